// SPDX-License-Identifier: Apache-2.0

// Command nsmgr is the manager of one node: the library's own chain behind a main. Clients and endpoints of the node
// talk to its socket; others find its endpoints at the first address of NSM_LISTEN_ON that is not a socket.
package main

import (
	"context"
	"net/url"

	"github.com/edwarnicke/genericsync"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/nsmgr"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/authorize"
	registryauthorize "github.com/networkservicemesh/sdk/pkg/registry/common/authorize"
	monitorauthorize "github.com/networkservicemesh/sdk/pkg/tools/monitorconnection/authorize"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"meshops.mesh/lab/tools/nsm/internal/program"
)

func main() {
	program.Run(func(ctx context.Context, p *program.Program) error {
		name := p.Text("NAME", "nsmgr")
		at := p.URLs("LISTEN_ON", "unix:///var/lib/networkservicemesh/nsm.io.sock,tcp://:5001")
		registry := p.URL("REGISTRY_URL", "registry:5002")
		dialing := p.Duration("DIAL_TIMEOUT", "750ms")
		forwarders := p.Text("FORWARDER_NETWORK_SERVICE_NAME", "forwarder")
		if err := p.Err(); err != nil {
			return err
		}
		// Who made which connection, so that only they may watch it.
		made := &genericsync.Map[spiffeid.ID, *genericsync.Map[string, struct{}]]{}
		manager := nsmgr.NewServer(ctx, p.Token,
			nsmgr.WithName(name),
			nsmgr.WithURL(public(at)),
			nsmgr.WithRegistry(registry),
			nsmgr.WithForwarderServiceName(forwarders),
			nsmgr.WithDialTimeout(dialing),
			nsmgr.WithDialOptions(p.DialOptions()...),
			nsmgr.WithAuthorizeServer(authorize.NewServer(authorize.WithSpiffeIDConnectionMap(made))),
			nsmgr.WithAuthorizeMonitorConnectionServer(
				monitorauthorize.NewMonitorConnectionServer(monitorauthorize.WithSpiffeIDConnectionMap(made))),
			nsmgr.WithAuthorizeNSRegistryServer(
				registryauthorize.NewNetworkServiceRegistryServer(registryauthorize.WithPolicies(p.ServerPolicies...))),
			nsmgr.WithAuthorizeNSERegistryServer(
				registryauthorize.NewNetworkServiceEndpointRegistryServer(registryauthorize.WithPolicies(p.ServerPolicies...))),
			nsmgr.WithAuthorizeNSRegistryClient(
				registryauthorize.NewNetworkServiceRegistryClient(registryauthorize.WithPolicies(p.ClientPolicies...))),
			nsmgr.WithAuthorizeNSERegistryClient(
				registryauthorize.NewNetworkServiceEndpointRegistryClient(registryauthorize.WithPolicies(p.ClientPolicies...))),
		)
		return p.Serve(ctx, at, manager.Register)
	})
}

// Where other managers reach this one; nothing when it has sockets only.
func public(at []*url.URL) string {
	for _, address := range at {
		if address.Scheme != "unix" {
			return address.String()
		}
	}
	return ""
}
