// A guest of the comparison: Buildkite's Go client with its defaults, retries included, and a naive poller on it.
//
// Without a command it takes orders on standard input, as Benchmarks/README.md says. `hour` measures an hour of the poller.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/buildkite/stacksapi"
)

func main() {
	arguments := os.Args[1:]
	isHour := len(arguments) > 0 && arguments[0] == "hour"
	if isHour {
		arguments = arguments[1:]
	}
	flags := flag.NewFlagSet("buildkite-go", flag.ExitOnError)
	origin := flags.String("url", "https://127.0.0.1", "scheme, host and port of the server")
	authority := flags.String("ca-file", "", "the authority to trust, in PEM format")
	token := flags.String("token", "bkct_benchmark", "the token")
	load := flags.String("load", "idle", "with hour: what the poller has to do")
	clock := flags.String("clock", "", "with hour: the file with the time that the server reads")
	seconds := flags.Int("seconds", 3600, "with hour: how much of the hour to poll")
	_ = flags.Parse(arguments)

	transport, err := newTransport(*authority)
	if err != nil {
		log.Fatal(err)
	}
	base, err := url.Parse(*origin + "/v3/")
	if err != nil {
		log.Fatal(err)
	}
	httpClient := &http.Client{Transport: transport}
	client, err := stacksapi.NewClient(*token, stacksapi.WithBaseURL(base), stacksapi.WithHTTPClient(httpClient))
	if err != nil {
		log.Fatal(err)
	}
	if isHour {
		err = reportHour(client, httpClient, *origin, *token, *load, *clock, time.Duration(*seconds)*time.Second)
	} else {
		err = takeOrders(client)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newTransport is Go's default transport, trusting the one authority and without a proxy.
func newTransport(authority string) (*http.Transport, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", authority)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	transport.ForceAttemptHTTP2 = true
	return transport, nil
}
