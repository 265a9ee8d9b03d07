// Package receiver is the benchmark's webhook receiver: it verifies each request, notes when it came, and
// answers 204 at once, or never.
package receiver

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/postrider/postrider/bench/internal/payload"
	"github.com/postrider/postrider/signing"
)

// Paths of the receiver. The last three are the benchmark's own.
const (
	AlivePath    = "/alive"    // answers 204 at once
	DeadPath     = "/dead"     // never answers
	SecretPath   = "/secret"   // PUT: verify with this secret from now on; without one nothing is verified
	CountPath    = "/count"    // GET: how many different events came to AlivePath
	ReceiptsPath = "/receipts" // GET: every Receipt as a line of CSV
)

// maxBytes of a request's body are read.
const maxBytes = 4 << 20

// Receipt is one request to AlivePath.
type Receipt struct {
	EventID            string
	SentNS, ReceivedNS int64 // of payload.Now; SentNS is what the data says
	Intact             bool  // whole, and its signature right
}

// Receiver is an http.Handler for all paths.
type Receiver struct {
	http.Handler
	size int // of an event's data in bytes

	mu       sync.Mutex
	verifier *signing.Verifier // nil: nothing is verified
	receipts []Receipt
	events   map[string]struct{}
}

// New expects data of the given size.
func New(size int) *Receiver {
	r := &Receiver{size: size, events: map[string]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+AlivePath, r.receive)
	mux.HandleFunc("POST "+DeadPath, never)
	mux.HandleFunc("PUT "+SecretPath, r.setSecret)
	mux.HandleFunc("GET "+CountPath, r.count)
	mux.HandleFunc("GET "+ReceiptsPath, r.list)
	r.Handler = mux
	return r
}

// Serve serves until ctx ends; requests that are never answered are cut off then.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve the receiver: %w", err)
	}
	return nil
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBytes))
	receipt := Receipt{EventID: req.Header.Get(signing.HeaderID), ReceivedNS: payload.Now()}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	receipt.SentNS, receipt.Intact = payload.SentAt(body, r.size)
	r.mu.Lock()
	verifier := r.verifier
	r.mu.Unlock()
	if verifier != nil && verifier.Verify(req.Header, body) != nil {
		receipt.Intact = false
	}
	r.mu.Lock()
	r.receipts = append(r.receipts, receipt)
	r.events[receipt.EventID] = struct{}{}
	r.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// never holds the request until its sender has had enough of it.
func never(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body) // or the end of the connection would go unseen
	<-req.Context().Done()
}

func (r *Receiver) setSecret(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(io.LimitReader(req.Body, 1024))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key, err := signing.ParseSecret(string(text))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifier = signing.NewVerifier([]signing.Key{key})
}

func (r *Receiver) count(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	n := len(r.events)
	r.mu.Unlock()
	_, _ = io.WriteString(w, strconv.Itoa(n))
}

func (r *Receiver) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	receipts := slices.Clip(r.receipts)
	r.mu.Unlock()
	lines := csv.NewWriter(w)
	for _, receipt := range receipts {
		_ = lines.Write(receipt.fields())
	}
	lines.Flush()
}

func (r Receipt) fields() []string {
	return []string{r.EventID, strconv.FormatInt(r.SentNS, 10), strconv.FormatInt(r.ReceivedNS, 10), strconv.FormatBool(r.Intact)}
}
