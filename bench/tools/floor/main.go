// SPDX-License-Identifier: Apache-2.0

// floor sends prepared server-side apply requests over a few keep-alive connections and does nothing else: what is
// faster than this does less. Usage: floor CREDENTIALS REQUESTS CONNECTIONS, where CREDENTIALS is a file of three lines
// (server, certificate authority, client certificate with key) and REQUESTS has a path and a body on each line.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

const query = "?fieldManager=floor&fieldValidation=Strict&force=true"

func main() {
	log.SetFlags(0)
	server, client := connect(os.Args[1])
	connections, err := strconv.Atoi(os.Args[3])
	check(err)
	requests := make(chan []byte, connections)
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for line := range requests {
				send(server, client, line)
			}
		})
	}
	file, err := os.Open(os.Args[2])
	check(err)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		requests <- bytes.Clone(lines.Bytes())
	}
	check(lines.Err())
	close(requests)
	workers.Wait()
}

func connect(credentials string) (string, *http.Client) {
	text, err := os.ReadFile(credentials)
	check(err)
	words := strings.Fields(string(text))
	authority, err := os.ReadFile(words[1])
	check(err)
	pair, err := tls.LoadX509KeyPair(words[2], words[2])
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	// HTTP/1.1, so that each worker has a connection of its own.
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		MaxIdleConnsPerHost: 64,
	}
	return words[0], &http.Client{Transport: transport}
}

func send(server string, client *http.Client, line []byte) {
	path, body, _ := bytes.Cut(line, []byte(" "))
	request, err := http.NewRequest(http.MethodPatch, server+string(path)+query, bytes.NewReader(body))
	check(err)
	request.Header.Set("Content-Type", "application/apply-patch+yaml")
	response, err := client.Do(request)
	check(err)
	answer, err := io.ReadAll(response.Body)
	check(err)
	check(response.Body.Close())
	if response.StatusCode >= http.StatusBadRequest {
		log.Fatal(fmt.Sprintf("%s: %s", path, answer))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
