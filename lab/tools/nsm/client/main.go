// SPDX-License-Identifier: Apache-2.0

// Command client asks for network services without a data plane. `client find` prints who offers the services, one
// line of JSON for each endpoint, and ends; `client request` asks for a connection to each, prints it likewise, keeps
// it until it is told to end, and closes it. No interface is made.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/networkservicemesh/api/pkg/api/networkservice"
	"github.com/networkservicemesh/api/pkg/api/registry"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/client"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/authorize"
	"github.com/networkservicemesh/sdk/pkg/tools/nsurl"

	"meshops.mesh/lab/tools/nsm/internal/program"
	"meshops.mesh/lab/tools/nsm/internal/registration"
)

// What is printed of an endpoint.
type found struct {
	Name     string    `json:"name"`
	Services []string  `json:"services"`
	URL      string    `json:"url"`
	Expires  time.Time `json:"expires"`
}

// What is printed of a connection: through whom it goes, and the addresses of both ends.
type connected struct {
	Service  string   `json:"service"`
	Endpoint string   `json:"endpoint"`
	Hops     []string `json:"hops"`
	Client   []string `json:"client_addresses"`
	Server   []string `json:"endpoint_addresses"`
}

type settings struct {
	name               string
	manager            *url.URL
	dialing, requested time.Duration
	services           []*url.URL
}

func main() {
	program.Run(func(ctx context.Context, p *program.Program) error {
		s := settings{
			name:      p.Text("NAME", "client"),
			manager:   p.URL("CONNECT_TO", "unix:///var/lib/networkservicemesh/nsm.io.sock"),
			dialing:   p.Duration("DIAL_TIMEOUT", "5s"),
			requested: p.Duration("REQUEST_TIMEOUT", "15s"),
			services:  p.URLs("NETWORK_SERVICES", ""),
		}
		if err := p.Err(); err != nil {
			return err
		}
		switch {
		case len(os.Args) == 2 && os.Args[1] == "find":
			return find(ctx, p, s)
		case len(os.Args) == 2 && os.Args[1] == "request":
			return request(ctx, p, s)
		default:
			return errors.New("usage: client find|request")
		}
	})
}

func find(ctx context.Context, p *program.Program, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, s.requested)
	defer cancel()
	clients := registration.New(ctx, p, s.manager, s.dialing)
	for _, service := range s.services {
		name := (*nsurl.NSURL)(service).NetworkService()
		stream, err := clients.Endpoints.Find(ctx, &registry.NetworkServiceEndpointQuery{
			NetworkServiceEndpoint: &registry.NetworkServiceEndpoint{NetworkServiceNames: []string{name}},
		})
		if err != nil {
			return fmt.Errorf("endpoints of %s: %w", name, err)
		}
		for {
			answer, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("endpoints of %s: %w", name, err)
			}
			endpoint := answer.GetNetworkServiceEndpoint()
			tell(found{
				Name: endpoint.GetName(), Services: endpoint.GetNetworkServiceNames(), URL: endpoint.GetUrl(),
				Expires: endpoint.GetExpirationTime().AsTime(),
			})
		}
	}
	return nil
}

func request(ctx context.Context, p *program.Program, s settings) error {
	// Connections are closed after the program has been told to end.
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	requests := client.NewClient(lasting,
		client.WithName(s.name),
		client.WithClientURL(s.manager),
		client.WithDialTimeout(s.dialing),
		client.WithDialOptions(p.DialOptions()...),
		client.WithAuthorizeClient(authorize.NewClient()),
	)
	var made []*networkservice.Connection
	for number, service := range s.services {
		connection, err := connect(ctx, s, requests, number, (*nsurl.NSURL)(service))
		if err != nil {
			return err
		}
		made = append(made, connection)
	}
	<-ctx.Done()
	ending, cancel := context.WithTimeout(lasting, s.dialing)
	defer cancel()
	for _, connection := range made {
		if _, err := requests.Close(ending, connection); err != nil {
			return fmt.Errorf("connection to %s is not closed: %w", connection.GetNetworkService(), err)
		}
	}
	return nil
}

func connect(
	ctx context.Context, s settings, requests networkservice.NetworkServiceClient, number int,
	service *nsurl.NSURL,
) (*networkservice.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, s.requested)
	defer cancel()
	connection, err := requests.Request(ctx, &networkservice.NetworkServiceRequest{
		Connection: &networkservice.Connection{
			Id:             fmt.Sprintf("%s-%d", s.name, number),
			NetworkService: service.NetworkService(),
			Labels:         service.Labels(),
		},
		MechanismPreferences: []*networkservice.Mechanism{service.Mechanism()},
	})
	if err != nil {
		return nil, fmt.Errorf("no connection to %s: %w", service.NetworkService(), err)
	}
	hops := []string{}
	for _, segment := range connection.GetPath().GetPathSegments() {
		hops = append(hops, segment.GetName())
	}
	addresses := connection.GetContext().GetIpContext()
	tell(connected{
		Service: connection.GetNetworkService(), Endpoint: connection.GetNetworkServiceEndpointName(), Hops: hops,
		Client: addresses.GetSrcIpAddrs(), Server: addresses.GetDstIpAddrs(),
	})
	return connection, nil
}

func tell(what any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err) // texts and times only
	}
	fmt.Println(string(line))
}
