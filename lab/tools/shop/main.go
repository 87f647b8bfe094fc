// SPDX-License-Identifier: Apache-2.0

// Command shop is one of four services of a small book shop, chosen by the environment variable SERVICE
// (page, details, reviews, ratings). It speaks the HTTP interface of Istio's Bookinfo sample on port 9080, so the
// same manifests run either. VERSION (v1, v2) decides whether reviews come with stars.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	address     = ":9080"
	callTimeout = 3 * time.Second
	drainTime   = 5 * time.Second
	productID   = 0
)

// Headers that carry a trace or a user from the caller on to the services behind.
var forwarded = []string{
	"authorization", "b3", "baggage", "cookie", "end-user", "traceparent", "tracestate", "user-agent", "x-b3-flags",
	"x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid", "x-request-id",
}

type details struct {
	ID        int    `json:"id"`
	Author    string `json:"author"`
	Year      int    `json:"year"`
	Type      string `json:"type"`
	Pages     int    `json:"pages"`
	Publisher string `json:"publisher"`
	Language  string `json:"language"`
	ISBN10    string `json:"ISBN-10"`
	ISBN13    string `json:"ISBN-13"`
}

type ratings struct {
	ID      int            `json:"id"`
	Ratings map[string]int `json:"ratings"`
}

type rating struct {
	Stars int    `json:"stars,omitempty"`
	Color string `json:"color,omitempty"`
	Error string `json:"error,omitempty"`
}

type review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *rating `json:"rating,omitempty"`
}

type reviews struct {
	ID          string   `json:"id"`
	PodName     string   `json:"podname"`
	ClusterName string   `json:"clustername"`
	Version     string   `json:"version"`
	Reviews     []review `json:"reviews"`
}

type server struct {
	version string
	client  *http.Client
}

func main() {
	service, version := os.Getenv("SERVICE"), os.Getenv("VERSION")
	if version == "" {
		version = "v1"
	}
	s := &server{version: version, client: &http.Client{Timeout: callTimeout}}
	routes := map[string]map[string]http.HandlerFunc{
		"page":    {"GET /{$}": s.page, "GET /productpage": s.page},
		"details": {"GET /details/{id}": s.details},
		"reviews": {"GET /reviews/{id}": s.reviews},
		"ratings": {"GET /ratings/{id}": s.ratings},
	}
	handlers, known := routes[service]
	if !known {
		log.Fatalf("SERVICE is %q; it must be page, details, reviews or ratings", service)
	}
	mux := http.NewServeMux()
	for pattern, handler := range handlers {
		mux.HandleFunc(pattern, handler)
	}
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	serve(service+"/"+version, mux)
}

func serve(name string, handler http.Handler) {
	named := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-shop-version", name)
		handler.ServeHTTP(w, r)
	})
	web := &http.Server{Addr: address, Handler: named, ReadHeaderTimeout: callTimeout}
	stop, release := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer release()
	go func() {
		<-stop.Done()
		drain, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = web.Shutdown(drain)
	}()
	log.Printf("%s listens on %s", name, address)
	if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-stop.Done()
}

func (s *server) details(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "please provide numeric product id"})
		return
	}
	writeJSON(w, http.StatusOK, details{
		ID: id, Author: "William Shakespeare", Year: 1595, Type: "paperback", Pages: 200, Publisher: "PublisherA",
		Language: "English", ISBN10: "1234567890", ISBN13: "123-1234567890",
	})
}

func (s *server) ratings(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "please provide numeric product ID"})
		return
	}
	writeJSON(w, http.StatusOK, ratings{ID: id, Ratings: map[string]int{"Reviewer1": 5, "Reviewer2": 4}})
}

func (s *server) reviews(w http.ResponseWriter, r *http.Request) {
	host, _ := os.Hostname()
	answer := reviews{
		ID: r.PathValue("id"), PodName: host, ClusterName: os.Getenv("CLUSTER_NAME"), Version: s.version,
		Reviews: []review{
			{Reviewer: "Reviewer1", Text: "Fast, funny, and over too soon."},
			{Reviewer: "Reviewer2", Text: "Good company for a long train journey."},
		},
	}
	if s.version != "v1" {
		var stars ratings
		_, err := s.call(r, "http://ratings:9080/ratings/"+answer.ID, &stars)
		for i := range answer.Reviews {
			answer.Reviews[i].Rating = &rating{Stars: stars.Ratings[answer.Reviews[i].Reviewer], Color: "black"}
			if err != nil {
				answer.Reviews[i].Rating = &rating{Error: "Ratings service is currently unavailable"}
			}
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	var model struct {
		Details                   details
		Reviews                   reviews
		DetailsError, ReviewError error
		DetailsBy, ReviewsBy      string
	}
	model.DetailsBy, model.DetailsError = s.call(r, fmt.Sprintf("http://details:9080/details/%d", productID), &model.Details)
	model.ReviewsBy, model.ReviewError = s.call(r, fmt.Sprintf("http://reviews:9080/reviews/%d", productID), &model.Reviews)
	w.Header().Set("content-type", "text/html; charset=utf-8")
	if model.ReviewsBy != "" {
		w.Header().Set("x-shop-reviews", model.ReviewsBy)
	}
	if err := productPage.Execute(w, model); err != nil {
		log.Print(err)
	}
}

// call asks another service, with the caller's trace and user headers; it returns who answered.
func (s *server) call(from *http.Request, url string, into any) (string, error) {
	request, err := http.NewRequestWithContext(from.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	for _, name := range forwarded {
		if values := from.Header.Values(name); len(values) > 0 {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, response.Body)
		return "", fmt.Errorf("%s answered %s", url, response.Status)
	}
	return response.Header.Get("x-shop-version"), json.NewDecoder(response.Body).Decode(into)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

var productPage = template.Must(template.New("page").
	Funcs(template.FuncMap{"stars": func(n int) string { return strings.Repeat("★", n) }}).
	Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simple Bookstore App</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#223}
section{border:1px solid #ccd;border-radius:.5rem;padding:0 1rem 1rem;margin:1rem 0}small{color:#667}
</style></head><body>
<h1>The Comedy of Errors</h1>
<section><h2>Book Details</h2>{{if .DetailsError}}<p>Sorry, product details are currently unavailable.</p>
{{else}}<p>{{.Details.Author}}, {{.Details.Year}}, {{.Details.Pages}} pages, {{.Details.Type}},
{{.Details.Publisher}}, ISBN {{.Details.ISBN10}}</p>{{end}}</section>
<section><h2>Book Reviews</h2>{{if .ReviewError}}<p>Sorry, product reviews are currently unavailable.</p>
{{else}}{{range .Reviews.Reviews}}<blockquote>{{.Text}}<br><small>{{.Reviewer}}</small>
{{with .Rating}}{{if .Error}}<em>{{.Error}}</em>{{else}}<span style="color:{{.Color}}">{{stars .Stars}}</span>{{end}}{{end}}
</blockquote>{{end}}<small>reviews {{.Reviews.Version}}, served by {{.Reviews.PodName}} {{.Reviews.ClusterName}}</small>
{{end}}</section></body></html>
`))
