package signing_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/postrider/postrider/signing"
)

// A receiver verifies the exact bytes it got, before it parses them.
func ExampleVerifier() {
	key, err := signing.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := signing.NewVerifier([]signing.Key{key})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		if err := verifier.Verify(r.Header, body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent) // and process it, unless its webhook-id was seen before
	})

	now, body := time.Now(), `{"type":"invoice.paid"}`
	request := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	request.Header.Set(signing.HeaderID, "evt_1")
	request.Header.Set(signing.HeaderTimestamp, signing.FormatTimestamp(now))
	request.Header.Set(signing.HeaderSignature, signing.Sign("evt_1", now, []byte(body), key))
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	fmt.Println(response.Code)

	request = httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	response = httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	fmt.Print(response.Code, " ", response.Body)
	// Output:
	// 204
	// 401 missing header: webhook-id
}

func ExampleSign() {
	key, err := signing.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signing.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), key))
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}

func ExampleVerify() {
	headers := http.Header{}
	headers.Set(signing.HeaderID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
	headers.Set(signing.HeaderTimestamp, "1614265330")
	headers.Set(signing.HeaderSignature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	err := signing.Verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", headers, []byte(`{"test": 2432232314}`))
	fmt.Println(errors.Is(err, signing.ErrTimestampTooOld))
	// Output: true
}
