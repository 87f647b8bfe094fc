# SPDX-License-Identifier: Apache-2.0
"""The faults and the hostile inputs that the project answers for, and the tests that show it.

`python -m tests.catalogue [--check]` writes both tables into docs/reliability.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.collection import ROOT

# Where the core is found when this is no test.
sys.path.append(str(ROOT / "plugins" / "module_utils"))

from tests.faults.cases import ALL

PAGE = ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- catalogue: begin -->", "<!-- catalogue: end -->"

_VM = "VM: comes with VM support"
_MESHES = "several meshes: comes with remote clusters"
_CA = "certificates: comes with the certificate authority"
_NSM = "NSM: comes with NSM support"


@dataclass(frozen=True)
class Row:
    """One fault or input: ``tests`` are node ids of pytest, ``kinds`` kinds of `tests.faults`, by which each request is
    spoilt; ``reason`` says why there is no test, ``note`` where what happens is less, or other, than one may expect."""

    number: int
    title: str
    tests: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""


def _in(file: str, *functions: str) -> tuple[str, ...]:
    """Node ids of tests in one file below tests/."""
    return tuple(f"tests/{file}.py::{function}" for function in functions)


_SPOILT = "test_a_write_that_fails_in_any_way_is_mended_by_itself"
_LASTS = "test_what_lasts_is_said_as_it_is"
_STOPPED = ("test_stopped_at_any_write_the_next_run_converges", "test_stopped_while_it_is_made_or_removed")

FAULTS: tuple[Row, ...] = (
    Row(1, "The API server restarts", _in("api/test_faults", "test_the_api_server_restarts_while_objects_are_applied")),
    Row(2, "A cluster is away for the whole run", _in("api/test_inputs", "test_a_cluster_that_is_away_fails_alone")),
    Row(3, "Connection reset after a write was done", _in("api/test_faults", _SPOILT), ("reset-after", "500-after")),
    Row(4, "Connection reset before a write was done", _in("api/test_faults", _SPOILT), ("reset-before",)),
    Row(
        5,
        "An answer is cut off, or no JSON",
        _in(
            "unit/kube/test_transport",
            "test_an_answer_that_is_no_json_is_asked_for_again_and_then_names_the_place",
            "test_a_body_that_is_shorter_than_announced_is_asked_for_again",
        ),
        ("truncated", "cut-json"),
    ),
    Row(
        6,
        "A server that takes requests and never answers",
        _in("unit/kube/test_transport", "test_a_server_that_hangs_is_asked_again_on_another_connection"),
        ("hang-before", "hang-after"),
    ),
    Row(
        7,
        "A storm of 429 with Retry-After",
        (
            *_in("api/test_faults", "test_a_server_that_takes_four_at_once_is_given_four"),
            *_in("unit/kube/test_transport", "test_a_server_that_says_when_is_obeyed"),
        ),
        ("429-retry-after",),
    ),
    Row(8, "429 without Retry-After, 503 with HTML", _in("api/test_faults", _LASTS), ("429", "503-html")),
    Row(9, "etcd has a new leader, or is late", _in("api/test_faults", _LASTS), ("500-leader", "500-after")),
    Row(10, "etcd is out of space", _in("api/test_faults", _LASTS)),
    Row(
        11,
        "A credential expires on the way",
        (
            *_in("api/test_faults", "test_a_token_that_expires_on_the_way_is_read_anew"),
            *_in("unit/kube/test_transport", "test_a_token_that_expired_is_read_anew_once"),
        ),
        ("401",),
    ),
    Row(
        12,
        "A permission is missing",
        (
            *_in("api/test_permissions", "test_what_is_missing_is_named_before_any_write"),
            *_in("api/test_rbac", "test_each_part_of_it_is_needed_and_named_before_any_write"),
            *_in("api/test_faults", "test_a_write_that_is_forbidden_stops_the_run_and_says_what_is_done"),
        ),
        ("403",),
    ),
    Row(13, "Admission denies one object", _in("api/test_faults", "test_one_of_many_is_denied")),
    Row(
        14,
        "A webhook of ours does not answer yet",
        _in("e2e/test_1_main_job", "test_site_brings_the_mesh_about"),
        note="istiod's own webhooks, proven before anything relies on them",
    ),
    Row(
        15,
        "A webhook of others does not answer",
        _in("api/test_refusals", "test_a_webhook_of_others_that_is_down_is_named"),
    ),
    Row(
        16,
        "A definition whose names are taken",
        _in("api/test_faults", "test_a_definition_whose_names_are_taken_names_who_has_them"),
    ),
    Row(
        17,
        "A definition goes between two stages",
        _in("api/test_faults", "test_a_definition_that_goes_between_two_stages"),
        note="it is not made again in the same run: the run fails, the next one converges",
    ),
    Row(
        18,
        "A namespace is being deleted",
        _in(
            "api/test_refusals",
            "test_a_namespace_that_is_being_deleted_says_what_holds_it",
            "test_a_namespace_of_the_set_that_is_being_deleted_is_waited_for",
        ),
    ),
    Row(
        19,
        "An object is held by a finalizer of others",
        _in("api/test_refusals", "test_an_object_that_is_being_deleted_is_made_anew_after_it"),
    ),
    Row(
        20,
        "Fields belong to another manager",
        (
            *_in("api/test_injection", "test_a_label_of_somebody_else_that_contradicts_is_named"),
            *_in("api/test_config_set", "test_objects_of_others_are_named_and_refused"),
        ),
    ),
    Row(
        21,
        "An immutable field changes",
        _in(
            "api/test_refusals",
            "test_an_immutable_field_is_named_and_recreated_only_on_request",
            "test_a_new_object_is_tried_out_before_the_old_one_goes",
            "test_an_old_object_is_put_back_when_the_new_one_fails",
        ),
    ),
    Row(
        22,
        "One object of many is rejected",
        (
            *_in("api/test_faults", "test_one_of_many_is_denied"),
            *_in("api/test_config_set", "test_a_run_that_failed_says_what_it_did_and_what_is_left"),
        ),
    ),
    Row(
        23,
        "SIGINT or SIGTERM",
        _in("api/test_two_runs", "test_a_signal_ends_the_run_with_a_report_and_without_a_lock"),
    ),
    Row(
        24,
        "SIGKILL or a power loss at any point",
        (
            *_in("api/test_config_set", *_STOPPED),
            *_in("api/test_two_runs", "test_a_killed_run_leaves_a_lock_that_the_next_one_takes_over_at_once"),
            *_in("e2e/test_3_failures", "test_killed_at_any_moment_the_next_run_converges"),
        ),
        ("kill-before", "kill-after"),
    ),
    Row(25, "SIGKILL while it prunes", _in("api/test_config_set", *_STOPPED), ("kill-before", "kill-after")),
    Row(
        26,
        "Two runs at once, the same declaration",
        _in(
            "api/test_two_runs",
            "test_two_runs_with_the_same_wish_agree",
            "test_who_holds_the_lock_is_named_and_nothing_is_written",
            "test_a_lock_that_nobody_renews_is_taken_over",
        ),
    ),
    Row(
        27,
        "Two runs at once, different declarations",
        _in("api/test_two_runs", "test_of_two_different_wishes_one_wins_as_a_whole"),
    ),
    Row(28, "A field was edited by hand", _in("api/test_config_set", "test_drift_is_put_back")),
    Row(29, "An object was deleted by hand", _in("api/test_faults", "test_what_somebody_deleted_is_made_again")),
    Row(
        30,
        "The inventory was deleted",
        _in(
            "api/test_ownership",
            "test_the_inventory_is_lost",
            "test_the_inventory_is_lost_before_the_set_is_removed",
        ),
    ),
    Row(
        31,
        "The inventory was edited",
        _in(
            "api/test_ownership",
            "test_an_inventory_that_was_edited_or_copied_is_refused",
            "test_hints_that_were_emptied_cost_nothing_that_is_still_declared",
        ),
    ),
    Row(
        32,
        "A watch ends, expires, breaks or is silent",
        _in("api/test_faults", "test_a_watch_that_fails_misses_nothing"),
        ("watch-410", "watch-expires", "watch-ends", "watch-breaks"),
    ),
    Row(
        33,
        "Something never becomes ready",
        (
            *_in("e2e/test_3_failures", "test_an_image_that_is_not_there_ends_the_wait_early_and_says_why"),
            *_in(
                "api/test_load_balancer",
                "test_where_nobody_takes_notice_the_wait_ends",
                "test_what_the_controller_complains_of_is_told",
            ),
        ),
    ),
    Row(
        34,
        "A new revision never becomes ready",
        _in("api/test_inputs", "test_a_canary_that_is_not_ready_leaves_the_old_revision_alone"),
    ),
    Row(
        35,
        "Killed between the move of a tag and the restart of workloads",
        reason="restarts: come with the rolling restart; today workloads are restarted by whoever owns them",
    ),
    Row(36, "A revision in use is to be removed", _in("e2e/test_2_revisions", "test_a_used_revision_is_not_removed")),
    Row(37, "Clocks differ", _in("api/test_faults", "test_a_clock_that_differs_is_told"), note="hosts come with VMs"),
    Row(38, "One of many clusters is away while remote secrets are given out", reason=_MESHES),
    Row(39, "A cluster leaves the inventory, and its API server is gone", reason=_MESHES),
    Row(40, "A CA rotation is interrupted", reason=_CA),
    Row(41, "SSH breaks while a VM joins", reason=_VM),
    Row(42, "The SSH host key changed", reason=_VM),
    Row(
        43,
        "The disk of a VM is full",
        (
            *_in(
                "unit/vm/test_placing",
                "test_a_full_disk_leaves_the_old_file_and_nothing_else",
                "test_a_disk_that_is_really_full",
            ),
            *_in("unit/vm/test_joining", "test_what_is_wrong_is_one_line"),
        ),
    ),
    Row(44, "A VM is read-only, or denies", reason=_VM),
    Row(45, "A VM reboots on the way", reason=_VM),
    Row(46, "A VM cannot fetch packages", reason=_VM),
    Row(
        47,
        "One of several addresses is dead",
        _in("unit/kube/test_tls", "test_one_address_of_many_is_dead"),
        note="loopback addresses, by a resolver of the test's own",
    ),
    Row(
        48,
        "Idle connections are closed",
        _in("api/test_faults", "test_connections_that_are_closed_when_idle_cost_nothing"),
        ("closed-after",),
    ),
    Row(
        49,
        "API servers are replaced one by one",
        _in(
            "api/test_faults",
            "test_the_api_server_restarts_while_objects_are_applied",
            "test_a_watch_that_fails_misses_nothing",
        ),
        ("closed-after", "watch-breaks"),
        note="HTTP/1.1 only, so there is no GOAWAY: connections end",
    ),
    Row(
        50,
        "A Kubernetes version, or an API, that is not there",
        (
            *_in("api/test_control_plane", "test_a_cluster_that_is_too_old_is_refused"),
            *_in("api/test_faults", "test_a_version_that_is_no_longer_served_is_named_before_any_write"),
        ),
    ),
    Row(
        51,
        "The controller's disk is full or cannot be written to",
        (
            *_in("api/test_inputs", "test_a_full_disk_costs_the_cache_and_no_more"),
            *_in(
                "unit/render/test_hostile",
                "test_a_cache_that_cannot_be_written_costs_nothing_but_time",
                "test_charts_that_cannot_be_kept_say_what_to_do",
                "test_without_a_home_the_cache_is_not_in_the_working_directory",
            ),
            *_in("unit/kube/test_config", "test_without_a_place_for_temporary_files_it_is_said"),
        ),
    ),
    Row(
        52,
        "Five megabytes of manifests within 100 MB",
        _in("unit/render/test_hostile", "test_five_megabytes_of_manifests_stay_small"),
    ),
    Row(
        53,
        "Pulumi is killed between creation and saving its state",
        _in("pulumi/test_trouble", "test_who_is_killed_leaves_no_orphan"),
    ),
    Row(
        54,
        "Pulumi's state is lost",
        _in("pulumi/test_life", "test_what_ansible_installed_is_imported_without_a_difference"),
        note="what is there is imported, whoever made it",
    ),
    Row(
        55,
        "--limit, or a slice of the inventory",
        reason=f"{_MESHES}; today each host of the inventory is a cluster, and no task touches another",
    ),
    Row(
        56,
        "Check mode without the cluster, or without definitions",
        (
            *_in("api/test_inputs", "test_a_cluster_that_is_away_fails_alone"),
            *_in("api/test_config_set", "test_a_kind_that_an_earlier_step_may_bring_is_planned_with_a_warning"),
            *_in("e2e/test_1_main_job", "test_check_mode_on_empty_clusters_plans_and_writes_nothing"),
        ),
    ),
    Row(57, "NSM's registry or forwarder restarts", reason=_NSM),
    Row(58, "The API server warns", _in("api/test_faults", "test_what_the_server_warns_of_is_a_warning")),
)

_NAMES = _in("unit/model/test_hostile", "test_names", "test_names_in_structs_and_lists")

INPUTS: tuple[Row, ...] = (
    Row(
        1,
        "Names with paths, NUL, line breaks, look-alikes, 300 letters",
        (
            *_NAMES,
            *_in("unit/model/test_hostile", "test_paths_to_objects"),
            *_in("api/test_inputs", "test_objects_that_no_server_takes"),
        ),
    ),
    Row(
        2, "A value that would begin a document of its own", (*_in("api/test_inputs", "test_values_are_data"), *_NAMES)
    ),
    Row(
        3,
        "Jinja in what a cluster says",
        _in("api/test_inputs", "test_what_a_cluster_says_is_never_a_template"),
    ),
    Row(4, "Helm's template actions in values", _in("api/test_inputs", "test_values_are_data")),
    Row(
        5,
        "YAML bombs, deep nesting",
        (
            *_in("unit/render/test_hostile", "test_hostile_manifests_are_refused_in_no_time"),
            *_in("unit/kube/test_config", "test_hostile_files_are_refused_in_no_time"),
            *_in("api/test_inputs", "test_an_object_deeper_than_json_goes"),
        ),
    ),
    Row(
        6,
        "Python tags in YAML",
        (
            *_in("unit/render/test_hostile", "test_hostile_manifests_are_refused_in_no_time"),
            *_in("unit/kube/test_config", "test_hostile_files_are_refused_in_no_time"),
        ),
    ),
    Row(
        7,
        "Keys that are there twice, yes, 1e3, 0777",
        (
            *_in("unit/render/test_hostile", "test_hostile_manifests_are_refused_in_no_time"),
            *_in("api/test_bad_input", "test_options"),
            *_in("api/test_inputs", "test_values_are_data"),
        ),
        note="of charts; kubeconfigs and playbooks are read as kubectl and Ansible read them",
    ),
    Row(
        8,
        "A kubeconfig that starts a program",
        (
            *_in(
                "unit/kube/test_config",
                "test_a_map_neither_starts_programs_nor_reads_files",
                "test_a_file_may_start_programs_and_read_files",
            ),
            *_in("api/test_inputs", "test_a_connection_by_a_map_in_the_inventory_starts_nothing"),
        ),
        note="refused in a map (inventories, vaults), allowed in the operator's own file",
    ),
    Row(
        9,
        "A kubeconfig that names files",
        _in("unit/kube/test_config", "test_a_map_neither_starts_programs_nor_reads_files"),
        note="as above",
    ),
    Row(
        10,
        "No verification, or no TLS",
        (
            *_in("unit/kube/test_config", "test_what_is_not_protected_is_told"),
            *_in("api/test_inputs", "test_a_connection_without_verification_is_told_in_every_run"),
        ),
        note="only by an explicit setting of that connection; a warning in each run",
    ),
    Row(
        11,
        "A wrong authority or host name, an expired certificate",
        (
            *_in("unit/kube/test_tls", "test_a_certificate_that_does_not_fit_is_final"),
            *_in("api/test_bad_input", "test_a_wrong_authority"),
        ),
    ),
    Row(12, "A redirect", _in("unit/kube/test_transport", "test_a_redirect_is_not_followed_with_the_token")),
    Row(
        13,
        "Proxy variables",
        _in("unit/kube/test_config", "test_proxies_are_used_where_they_are_configured"),
    ),
    Row(
        14,
        "Endless or deep answers",
        _in(
            "unit/kube/test_transport",
            "test_an_endless_answer_is_given_up",
            "test_an_answer_that_is_no_json_is_asked_for_again_and_then_names_the_place",
        ),
    ),
    Row(
        15,
        "Answers about something else",
        _in("api/test_faults", "test_an_answer_about_something_else_is_refused"),
    ),
    Row(
        16,
        "The id of another inventory",
        _in("api/test_ownership", "test_an_inventory_that_was_edited_or_copied_is_refused"),
    ),
    Row(
        17,
        "Objects of others labelled as ours, to have them deleted",
        (
            *_in("api/test_ownership", "test_what_others_labelled_as_ours_is_neither_pruned_nor_removed"),
            *_in("api/test_removal", "test_what_only_bears_our_label_keeps_the_namespace"),
        ),
    ),
    Row(
        18, "Objects that a controller owns", _in("api/test_ownership", "test_what_a_controller_owns_is_never_a_member")
    ),
    Row(
        19,
        "Secrets in diffs, results and failures",
        _in(
            "unit/plan/test_difference",
            "test_secrets_change_without_showing",
            "test_no_way_of_changing_a_secret_shows_it",
            "test_nothing_that_depends_on_a_secret_value_is_told",
        ),
    ),
    Row(
        20,
        "Secrets in what the API server says",
        _in("api/test_inputs", "test_a_secret_that_is_refused_is_not_repeated"),
        note="what a webhook of others says of a Secret is told as it is",
    ),
    Row(
        21,
        "Secrets in arguments of child processes",
        _in("unit/render/test_helm", "test_template_passes_values_by_standard_input_only"),
    ),
    Row(
        22,
        "Secrets in temporary files",
        (
            *_in("unit/kube/test_config", "test_keys_are_in_private_files_only_while_they_are_loaded"),
            *_in(
                "unit/render/test_manifests", "test_only_results_without_secrets_are_kept", "test_the_cache_is_private"
            ),
        ),
    ),
    Row(
        23,
        "A symbolic link where a file goes on a VM",
        _in(
            "unit/vm/test_placing",
            "test_a_link_in_the_place_of_a_file_is_replaced",
            "test_a_directory_that_is_a_link_of_others_is_refused",
            "test_of_a_link_only_itself_goes",
        ),
    ),
    Row(
        24,
        "Paths in names of files for a VM",
        _in("unit/vm/test_placing", "test_paths_that_lead_elsewhere_are_refused"),
    ),
    Row(
        25,
        "Loose modes of files on a VM",
        _in(
            "unit/vm/test_placing",
            "test_the_umask_does_not_matter",
            "test_a_looser_mode_is_corrected",
            "test_nobody_can_read_a_file_before_it_has_its_mode",
        ),
    ),
    Row(26, "Shell in values that a VM's shell reads", reason=_VM),
    Row(27, "An unknown SSH host key", reason=_VM),
    Row(28, "A VM uses its token again", reason=_VM),
    Row(29, "A VM claims another identity", reason=_VM),
    Row(30, "Certificates that cannot be a CA", reason=_CA),
    Row(31, "The key of a root CA", reason=_CA),
    Row(32, "One intermediate CA for all clusters", reason=_CA),
    Row(33, "Two clusters of one name or network", reason=_MESHES),
    Row(34, "A remote secret that leads elsewhere", reason=_MESHES),
    Row(
        35,
        "Charts that were tampered with",
        _in("unit/render/test_charts", "test_a_wrong_digest", "test_a_pulled_archive_is_kept_and_a_wrong_one_is_not"),
        note="by digest; signatures of charts and images are not verified",
    ),
    Row(
        36,
        "Paths and links in charts",
        _in("unit/render/test_hostile", "test_archives_are_read_and_never_unpacked"),
        note="names of charts are ours; a directory of charts is the operator's own",
    ),
    Row(
        37,
        "A step back, or over several minor versions",
        (
            *_in("unit/operations/test_steps", "test_steps"),
            *_in("api/test_inputs", "test_a_step_that_istio_does_not_support_is_refused"),
        ),
    ),
    Row(
        38,
        "EnvoyFilters and WasmPlugins for the whole mesh",
        _in("api/test_inputs", "test_filters_that_count_for_the_whole_mesh_are_told"),
    ),
    Row(
        39,
        "A role that gives more than the caller has",
        _in("api/test_inputs", "test_whoever_gives_more_than_he_has_is_told_what_is_missing"),
    ),
    Row(40, "Pulumi: secrets in names", _in("pulumi/test_wire", "test_what_is_secret_is_no_part_of_an_id")),
    Row(
        41,
        "Pulumi: secrets in the state",
        (
            *_in(
                "pulumi/test_trouble", "test_secrets_are_nowhere", "test_a_secret_that_nobody_marked_is_nowhere_either"
            ),
            *_in("pulumi/test_wire", "test_credentials_are_secret_whoever_writes_them"),
            *_in("unit/provider/test_resources", "test_what_becomes_secret_later_is_a_difference"),
        ),
    ),
    Row(
        42,
        "Control characters in what the API server says",
        (
            *_in("api/test_faults", "test_one_of_many_is_denied"),
            *_in("api/test_inputs", "test_what_a_cluster_says_is_never_a_template"),
            *_in("unit/kube/test_transport", "test_warnings_are_kept_once_and_in_plain_text"),
        ),
    ),
    Row(
        43,
        "Annotations, labels and objects that are too large",
        (
            *_in("unit/plan/test_limits", "test_sizes"),
            *_in("api/test_refusals", "test_what_is_too_large_is_said_before_anything_is_written"),
            *_in("api/test_inputs", "test_objects_that_no_server_takes"),
        ),
    ),
    Row(
        44,
        "Very many objects",
        _in(
            "unit/plan/test_limits",
            "test_the_time_to_plan_grows_with_the_number_of_objects_and_no_faster",
        ),
        note="20,000 objects; hosts come with VMs",
    ),
    Row(
        45,
        "Regular expressions of users",
        (
            *_in("unit/model/test_hostile", "test_no_pattern_comes_from_a_user"),
            *_in("unit/plan/test_patterns", "test_what_goes_back_and_forth_is_not_even_tried"),
        ),
        note="of definitions only, and none that may take for ever",
    ),
)


def complaints(rows: Sequence[Row], count: int) -> list[str]:
    """What is wrong with a table: numbers, rows without tests and reason, tests and kinds that are not there."""
    found = [f"number {row.number} in place {place}" for place, row in enumerate(rows, 1) if row.number != place]
    found += [f"{len(rows)} rows, not {count}"] if len(rows) != count else []
    for row in rows:
        if bool(row.tests) == bool(row.reason):
            found.append(f"{row.number}: needs either tests or a reason")
        found += [f"{row.number}: there is no test {node}" for node in row.tests if not exists(node)]
        found += [f"{row.number}: there is no kind {kind}" for kind in row.kinds if kind not in ALL]
    return found


def exists(node: str) -> bool:
    """Whether a module has that test function."""
    file, _, function = node.partition("::")
    path = ROOT / file
    return path.is_file() and function in _functions(path)


def _functions(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {item.name for item in body if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")}


def page(text: str) -> str:
    """The page with both tables between the markers; the section is added where it is missing."""
    lines = [_BEGIN, "### Faults", "", *_table(FAULTS), "", "### Inputs and attacks", "", *_table(INPUTS), _END]
    if _BEGIN not in text:
        return f"{text.rstrip()}\n\n{_INTRODUCTION}\n" + "\n".join(lines) + "\n"
    before, _, rest = text.partition(_BEGIN)
    return before + "\n".join(lines) + rest.partition(_END)[2]


_INTRODUCTION = """## Catalogue

Faults, bad inputs and attacks that a tool for production must answer for, each with the tests that show what happens;
in brackets the kinds by which `tests.faults` spoils every request. Where there is no test, the reason stands instead.
The tables are written by `python -m tests.catalogue`, and a test looks that each of these tests exists.
"""


def _table(rows: Sequence[Row]) -> list[str]:
    return [
        "| # | what | shown by |",
        "| --- | --- | --- |",
        *(f"| {r.number} | {r.title} | {_shown(r)} |" for r in rows),
    ]


def _shown(row: Row) -> str:
    if row.reason:
        return f"none. {row.reason}"
    files: dict[str, list[str]] = {}
    for node in row.tests:
        file, _, function = node.removeprefix("tests/").partition("::")
        files.setdefault(file, []).append(f"`{function}`")
    text = "; ".join(f"{file}: {', '.join(functions)}" for file, functions in files.items())
    kinds = f" [{', '.join(row.kinds)}]" if row.kinds else ""
    return f"{text}{kinds}{f'. {row.note}' if row.note else ''}"


def main(arguments: Sequence[str]) -> int:
    """0 when the page is fresh (or was written), 1 when it is stale, 2 for a wrong argument."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m tests.catalogue [--check]", file=sys.stderr)
        return 2
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Reliability\n"
    if page(text) == text:
        return 0
    if arguments:
        print(f"stale: {PAGE.relative_to(ROOT)}; run python -m tests.catalogue")
        return 1
    PAGE.write_text(page(text), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
