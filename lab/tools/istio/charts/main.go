// SPDX-License-Identifier: Apache-2.0

// Command charts writes the Helm charts and profiles that the istio.io/istio module embeds to a directory.
package main

import (
	"fmt"
	"os"

	"istio.io/istio/manifests"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: charts DIRECTORY")
		os.Exit(2)
	}
	if err := os.CopyFS(os.Args[1], manifests.FS); err != nil {
		fmt.Fprintln(os.Stderr, "charts:", err)
		os.Exit(1)
	}
}
