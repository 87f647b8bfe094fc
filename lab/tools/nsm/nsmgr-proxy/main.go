// SPDX-License-Identifier: Apache-2.0

// Command nsmgr-proxy stands between the managers of this domain and those of others: the library's own chain behind
// a main. The first address of NSM_LISTEN_ON is the one that it tells others of.
package main

import (
	"context"
	"errors"

	"github.com/edwarnicke/genericsync"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/nsmgrproxy"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/authorize"
	registryauthorize "github.com/networkservicemesh/sdk/pkg/registry/common/authorize"
	monitorauthorize "github.com/networkservicemesh/sdk/pkg/tools/monitorconnection/authorize"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"meshops.mesh/lab/tools/nsm/internal/program"
)

func main() {
	program.Run(func(ctx context.Context, p *program.Program) error {
		name := p.Text("NAME", "nsmgr-proxy")
		at := p.URLs("LISTEN_ON", "tcp://:5004")
		registry := p.URL("REGISTRY_URL", "registry:5002")
		registryProxy := p.URL("REGISTRY_PROXY_URL", "registry-proxy:5005")
		addresses := p.Text("MAP_IP_FILE_PATH", "map-ip.yaml")
		dialing := p.Duration("DIAL_TIMEOUT", "750ms")
		if err := p.Err(); err != nil {
			return err
		}
		if len(at) == 0 {
			return errors.New("NSM_LISTEN_ON: no address; give one as tcp://10.0.0.1:5004")
		}
		// Who made which connection, so that only they may watch it.
		made := &genericsync.Map[spiffeid.ID, *genericsync.Map[string, struct{}]]{}
		proxy := nsmgrproxy.NewServer(ctx, registry, registryProxy, p.Token,
			nsmgrproxy.WithName(name),
			nsmgrproxy.WithListenOn(at[0]),
			nsmgrproxy.WithMapIPFilePath(addresses),
			nsmgrproxy.WithDialTimeout(dialing),
			nsmgrproxy.WithDialOptions(p.DialOptions()...),
			nsmgrproxy.WithAuthorizeServer(authorize.NewServer(authorize.WithSpiffeIDConnectionMap(made))),
			nsmgrproxy.WithAuthorizeMonitorConnectionServer(
				monitorauthorize.NewMonitorConnectionServer(monitorauthorize.WithSpiffeIDConnectionMap(made))),
			nsmgrproxy.WithAuthorizeNSRegistryServer(
				registryauthorize.NewNetworkServiceRegistryServer(registryauthorize.WithPolicies(p.ServerPolicies...))),
			nsmgrproxy.WithAuthorizeNSERegistryServer(
				registryauthorize.NewNetworkServiceEndpointRegistryServer(registryauthorize.WithPolicies(p.ServerPolicies...))),
			nsmgrproxy.WithAuthorizeNSRegistryClient(
				registryauthorize.NewNetworkServiceRegistryClient(registryauthorize.WithPolicies(p.ClientPolicies...))),
			nsmgrproxy.WithAuthorizeNSERegistryClient(
				registryauthorize.NewNetworkServiceEndpointRegistryClient(registryauthorize.WithPolicies(p.ClientPolicies...))),
		)
		return p.Serve(ctx, at, proxy.Register)
	})
}
