// SPDX-License-Identifier: Apache-2.0

// fluxssa applies a file of objects with Flux's library as its kustomize-controller does, and deletes what an earlier
// file had and this one lacks. Usage: fluxssa CONTEXT FILE [EARLIER FILE]; the kubeconfig is in KUBECONFIG.
package main

import (
	"context"
	"log"
	"os"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The default of kustomize-controller's --concurrent-ssa.
const concurrency = 4

func main() {
	log.SetFlags(0)
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(),
		&clientcmd.ConfigOverrides{CurrentContext: os.Args[1]},
	).ClientConfig()
	check(err)
	config.QPS = -1 // the API server's own fairness decides
	cluster, err := client.New(config, client.Options{})
	check(err)
	manager := ssa.NewResourceManager(cluster, nil, ssa.Owner{Field: "fluxssa", Group: "bench.meshops.mesh"})
	manager.SetConcurrency(concurrency)

	objects := read(os.Args[2])
	manager.SetOwnerLabels(objects, "bench", "bench")
	wanted := map[string]bool{}
	for _, object := range objects {
		wanted[utils.FmtUnstructured(object)] = true
	}
	_, err = manager.ApplyAllStaged(context.Background(), objects, ssa.DefaultApplyOptions())
	check(err)
	if len(os.Args) < 4 {
		return
	}
	var stale []*unstructured.Unstructured
	for _, object := range read(os.Args[3]) {
		if !wanted[utils.FmtUnstructured(object)] {
			stale = append(stale, object)
		}
	}
	_, err = manager.DeleteAll(context.Background(), stale, ssa.DefaultDeleteOptions())
	check(err)
}

func read(path string) []*unstructured.Unstructured {
	file, err := os.Open(path)
	check(err)
	objects, err := utils.ReadObjects(file)
	check(err)
	return objects
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
