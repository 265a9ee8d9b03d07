package engine_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func ask(t *testing.T, method, url, host string) (status int, contentType, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(text)
}

func TestTheUIServesItsPagesAndTemporalsAPI(t *testing.T) {
	t.Parallel()
	base := "http://" + shared(t).UIAddr()
	for path, want := range map[string]struct{ contentType, text string }{
		"/":                                        {"text/html", "<html"},
		"/namespaces/default/workflows":            {"text/html", "<html"},
		"/favicon.ico":                             {"image/", ""},
		"/healthz":                                 {"application/json", "OK"},
		"/api/v1/namespaces/default":               {"application/json", "PostriderTenant"},
		"/api/v1/namespaces/default/workflows":     {"application/json", ""},
		"/api/v1/cluster-info":                     {"application/json", "1.32.1"},
		"/render?content=*hello*":                  {"text/html", "<em>hello</em>"},
		"/api/v1/namespaces/default/task-queues/q": {"application/json", ""},
	} {
		status, contentType, body := ask(t, http.MethodGet, base+path, "")
		if status != http.StatusOK || !strings.HasPrefix(contentType, want.contentType) || !strings.Contains(body, want.text) {
			t.Errorf("%s: got %d, %s, %.200s", path, status, contentType, body)
		}
	}
}

func TestTheUIIsToldToFetchNothingAndToAllowEverything(t *testing.T) {
	t.Parallel()
	status, _, body := ask(t, http.MethodGet, "http://"+shared(t).UIAddr()+"/api/v1/settings", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
		t.Fatalf("got %d, %s, %v", status, body, err)
	}
	for key, want := range map[string]any{
		"DefaultNamespace": "default", "DisableNewsFetch": true, "DisableWriteActions": false, "ActivityCommandsDisabled": false,
		"WorkflowResetDisabled": false, "WorkflowPauseDisabled": false, "WorkflowSignalDisabled": false, "BatchActionsDisabled": false,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestTheUIAnswersToNamesOfThisMachineOnly(t *testing.T) {
	t.Parallel()
	base := "http://" + shared(t).UIAddr()
	for host, want := range map[string]int{
		"localhost:8233": 200, "localhost": 200, "127.0.0.1:1": 200, "[::1]:8233": 200, "temporal.localhost:8233": 200,
		"evil.example:8233": 403, "evil.example": 403, "localhost.evil.example": 403, "192.0.2.1:8233": 403,
	} {
		if got, _, _ := ask(t, http.MethodGet, base+"/api/v1/settings", host); got != want {
			t.Errorf("%s: got %d, want %d", host, got, want)
		}
	}
}

func TestTheUIRefusesWritesThatOtherPagesMakeABrowserSend(t *testing.T) {
	t.Parallel()
	url := "http://" + shared(t).UIAddr() + "/api/v1/namespaces/default/workflows/none/terminate"
	if got, _, body := ask(t, http.MethodPost, url, ""); got != http.StatusBadRequest && got != http.StatusForbidden {
		t.Errorf("got %d, %s", got, body)
	}
}
