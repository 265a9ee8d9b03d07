package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/signing"
)

// maxReceived is how long a body may be; 413 above. It is larger than any that Postrider sends by default.
const maxReceived = 16 << 20

// receiveFlags are the flags of receive.
type receiveFlags struct {
	listen  string
	secrets []string
	status  int
	quiet   bool
}

func newReceive() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "receive",
		Short: "Receive deliveries on this machine and show them",
		Long: "Receive deliveries on this machine and show each: an endpoint to try things with. With --secret, signatures are verified,\n" +
			"and what is not signed with it is answered 401. Postrider sends to this machine only when it runs with --dev.",
		Example: "  postrider receive --listen 127.0.0.1:9000 --secret whsec_…\n" +
			"  postrider receive --status 503        # see it come again",
		Args: cobra.NoArgs,
	}
	var f receiveFlags
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:9000", "address to receive at")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "the endpoint's secret, whsec_…; may be given again, as during a rotation (default signatures are not verified)")
	cmd.Flags().IntVar(&f.status, "status", http.StatusOK, "what to answer, 200 to 599")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "do not show bodies")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := f.receiver(cmd.OutOrStdout())
		if err != nil {
			return err
		}
		return r.run(cmd.Context(), f.listen)
	}
	return cmd
}

func (f receiveFlags) receiver(out io.Writer) (*shower, error) {
	if f.status < http.StatusOK || f.status > 599 {
		return nil, errors.New("--status: must be 200 to 599")
	}
	keys, err := signing.ParseSecrets(f.secrets...)
	if err != nil {
		return nil, fmt.Errorf("--secret: %w", err)
	}
	r := &shower{out: terminal.New(out, os.LookupEnv), status: f.status, quiet: f.quiet}
	if len(keys) > 0 {
		r.verifier = signing.NewVerifier(keys)
	}
	return r, nil
}

// shower shows what it receives.
type shower struct {
	verifier *signing.Verifier // nil: signatures are not verified
	status   int
	quiet    bool

	mu  sync.Mutex
	out *terminal.Terminal
}

func (s *shower) run(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	s.out.Printf("Receiving at http://%s; Ctrl-C ends it.\n", listener.Addr())
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP answers a request and shows it.
func (s *shower) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReceived))
	status, note := s.status, "signature not verified"
	style := terminal.Dim
	switch {
	case err != nil:
		status, note, style = http.StatusRequestEntityTooLarge, err.Error(), terminal.Red
	case s.verifier != nil:
		note, style = "signature verified", terminal.Green
		if err := s.verifier.Verify(r.Header, body); err != nil {
			status, note, style = http.StatusUnauthorized, err.Error(), terminal.Red
		}
	}
	w.WriteHeader(status)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.Header.Get(signing.HeaderID)
	s.out.Printf("%s  %s %s  %s  %d bytes  %s  %d\n", time.Now().Format(time.TimeOnly), r.Method, terminal.Printable(r.URL.Path),
		s.out.Paint(terminal.Bold, terminal.Printable(id)), len(body), s.out.Paint(style, note), status)
	if !s.quiet && len(body) > 0 {
		s.out.Printf("%s\n", terminal.Printable(string(body)))
	}
}
