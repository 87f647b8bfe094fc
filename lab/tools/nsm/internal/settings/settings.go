// SPDX-License-Identifier: Apache-2.0

// Package settings reads what a program is told by its environment, under the names that the programs of Network
// Service Mesh use (NSM_LISTEN_ON, NSM_REGISTRY_URL...), and with their defaults.
package settings

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const prefix = "NSM_"

// Reader keeps the first complaint, so that a program reads all it needs and asks once whether all was well.
type Reader struct {
	err error
}

// Err is the first complaint: which variable, its value, and what would do.
func (r *Reader) Err() error {
	return r.err
}

// Text is the variable's value, or what goes without it.
func (r *Reader) Text(name, otherwise string) string {
	if value, ok := os.LookupEnv(prefix + name); ok && value != "" {
		return value
	}
	return otherwise
}

// List is a value whose parts are separated by commas; spaces around them do not count.
func (r *Reader) List(name, otherwise string) []string {
	var parts []string
	for _, part := range strings.Split(r.Text(name, otherwise), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Labels is a list of pairs: name, separator, value.
func (r *Reader) Labels(name, separator string) map[string]string {
	labels := map[string]string{}
	for _, pair := range r.List(name, "") {
		key, value, found := strings.Cut(pair, separator)
		if !found {
			r.complain(name, pair, "name"+separator+"value")
		}
		labels[key] = value
	}
	return labels
}

// Duration is a value as 10m or 750ms.
func (r *Reader) Duration(name, otherwise string) time.Duration {
	value := r.Text(name, otherwise)
	duration, err := time.ParseDuration(value)
	if err != nil {
		r.complain(name, value, "a duration as 10m")
	}
	return duration
}

// Switch is true or false.
func (r *Reader) Switch(name string, otherwise bool) bool {
	value := r.Text(name, strconv.FormatBool(otherwise))
	on, err := strconv.ParseBool(value)
	if err != nil {
		r.complain(name, value, "true or false")
	}
	return on
}

// URL is the address of another program: tcp://address:port, unix:///path, or address:port.
func (r *Reader) URL(name, otherwise string) *url.URL {
	return r.parse(name, r.Text(name, otherwise))
}

// URLs is a list of those.
func (r *Reader) URLs(name, otherwise string) []*url.URL {
	var found []*url.URL
	for _, value := range r.List(name, otherwise) {
		found = append(found, r.parse(name, value))
	}
	return found
}

func (r *Reader) parse(name, value string) *url.URL {
	if !strings.Contains(value, "://") {
		value = "tcp://" + value
	}
	parsed, err := url.Parse(value)
	if err != nil || (parsed.Host == "" && parsed.Path == "") {
		r.complain(name, value, "an address as tcp://10.0.0.1:5002 or unix:///run/x.sock")
		return &url.URL{}
	}
	return parsed
}

func (r *Reader) complain(name, value, wanted string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s%s: %q cannot be read; give %s", prefix, name, value, wanted)
	}
}
