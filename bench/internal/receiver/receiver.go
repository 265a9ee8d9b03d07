// Package receiver is the benchmark's webhook receiver: it verifies each request, notes when it came, and
// answers as the request's path says.
package receiver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/postrider/postrider/bench/internal/payload"
	"github.com/postrider/postrider/signing"
)

// Paths of the endpoints. One more element may follow, which tells endpoints apart: see Path.
const (
	AlivePath = "/alive" // answers 204 at once
	DeadPath  = "/dead"  // never answers; its requests are not noted
	FlakyPath = "/flaky" // answers 500 to the first attempt of one event in ten, 204 to all else
	// DownPath answers 503 to three events in four until its return, Retry-After being the time until then; to all else 204. Of an
	// endpoint that refuses everything Postrider tries next to nothing.
	DownPath   = "/down"
	SilentPath = "/silent" // answers nothing until its return, then 204. What was given up before is not noted
)

// Paths of the benchmark's own.
const (
	SecretPath   = "/secret"   // PUT: verify with this secret from now on; without one nothing is verified
	ReturnPath   = "/return"   // PUT: in so many seconds DownPath and SilentPath return; until then their return is an hour away
	CountPath    = "/count"    // GET: Counts as JSON
	ReceiptsPath = "/receipts" // GET: every Receipt as a line of CSV
)

// maxBytes of a request's body are read.
const maxBytes = 4 << 20

// Path is that of the endpoint number n among those that answer in the same way.
func Path(way string, n int) string { return way + "/" + strconv.Itoa(n) }

// Receiver is an http.Handler for all paths.
type Receiver struct {
	http.Handler
	size int // of an event's data in bytes

	mu        sync.Mutex
	verifier  *signing.Verifier // nil: nothing is verified
	returns   time.Time
	changed   chan struct{} // closed when returns is set
	receipts  []Receipt
	delivered map[delivery]struct{} // answered 204
	refused   map[delivery]struct{} // answered something else
}

// delivery is an event to an endpoint.
type delivery struct{ event, endpoint string }

// New expects data of the given size.
func New(size int) *Receiver {
	r := &Receiver{
		size: size, returns: time.Now().Add(time.Hour), changed: make(chan struct{}),
		delivered: map[delivery]struct{}{}, refused: map[delivery]struct{}{},
	}
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		AlivePath: r.receive(alive), FlakyPath: r.receive(r.flaky), DownPath: r.receive(r.down),
		SilentPath: r.silent, DeadPath: never,
	} {
		mux.Handle("POST "+path, handler)
		mux.Handle("POST "+path+"/{endpoint}", handler)
	}
	mux.HandleFunc("PUT "+SecretPath, r.setSecret)
	mux.HandleFunc("PUT "+ReturnPath, r.setReturn)
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

// receive answers with the status of answer, which is called with the lock held, and notes the request.
func (r *Receiver) receive(answer func(http.Header, delivery) int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		receipt, err := r.read(w, req)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		d := delivery{receipt.EventID, receipt.Endpoint}
		r.mu.Lock()
		receipt.Status = answer(w.Header(), d)
		r.receipts = append(r.receipts, receipt)
		if receipt.Delivered() {
			r.delivered[d] = struct{}{}
		} else {
			r.refused[d] = struct{}{}
		}
		r.mu.Unlock()
		w.WriteHeader(receipt.Status)
	}
}

// read is the request's receipt, but for the status.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (Receipt, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBytes))
	receipt := Receipt{EventID: req.Header.Get(signing.HeaderID), Endpoint: req.URL.Path, ReceivedNS: payload.Now()}
	if err != nil {
		return receipt, err
	}
	receipt.SentNS, receipt.Intact = payload.SentAt(body, r.size)
	r.mu.Lock()
	verifier := r.verifier
	r.mu.Unlock()
	if verifier != nil && verifier.Verify(req.Header, body) != nil {
		receipt.Intact = false
	}
	return receipt, nil
}
