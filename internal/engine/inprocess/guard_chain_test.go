package inprocess

import (
	"context"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/headers"
)

// When a new Temporal fails this: read what is new, and run it again in chains.go or say there why not.
func TestTheFrontendsInterceptorsAreThoseThatChainsKnows(t *testing.T) {
	t.Parallel()
	s := shared(t)
	warm(t, s)
	stack := func(call func(id string)) (names []string) {
		id := uuid.NewString()
		s.failWith(id, func(context.Context) error {
			names = interceptorsOnStack()
			return serviceerror.NewNotFound("on purpose")
		})
		call(id)
		return names
	}
	overGRPC := stack(func(id string) {
		_, _ = s.plain.WorkflowService().StartWorkflowExecution(t.Context(), start(id))
	})
	want := []string{
		"MaskInternalErrorDetailsInterceptor.Intercept",
		"ServiceErrorInterceptor.Intercept",
		"NewFrontendServiceErrorInterceptor",
		"RoutingKeyInterceptor.Intercept",
		"NamespaceValidatorInterceptor.NamespaceValidateIntercept",
		"NamespaceLogInterceptor.Intercept",
		"NewServerMetricsContextInjectorInterceptor",
		"Interceptor.Intercept", // authorization
		"NamespaceHandoverInterceptor.Intercept",
		"Redirection.Intercept",
		"TelemetryInterceptor.UnaryIntercept",
		"HealthInterceptor.Intercept",
		"NamespaceValidatorInterceptor.StateValidationIntercept",
		"ConcurrentRequestLimitInterceptor.Intercept",
		"NamespaceRateLimitInterceptorImpl.Intercept",
		"RateLimitInterceptor.Intercept",
		"SDKVersionInterceptor.Intercept",
		"CallerInfoInterceptor.Intercept",
		"SlowRequestLoggerInterceptor.Intercept",
		"ChasmVisibilityInterceptor.Intercept",
		"ContextMetadataInterceptor.Intercept",
	}
	if diff := cmp.Diff(want, overGRPC); diff != "" {
		t.Errorf("the frontend's interceptors, known (-) and found (+):\n%s", diff)
	}

	var inProcess []string
	_ = shortCut(t, func(ctx context.Context) error {
		inProcess = stack(func(id string) {
			_, _ = s.short.WorkflowService().StartWorkflowExecution(ctx, start(id))
		})
		return nil
	})
	for _, left := range []string{
		"RoutingKeyInterceptor.Intercept", "NamespaceValidatorInterceptor.NamespaceValidateIntercept", "NamespaceLogInterceptor.Intercept",
		"Interceptor.Intercept", "NamespaceHandoverInterceptor.Intercept", "Redirection.Intercept", "HealthInterceptor.Intercept",
		"NamespaceValidatorInterceptor.StateValidationIntercept", "ConcurrentRequestLimitInterceptor.Intercept",
		"NamespaceRateLimitInterceptorImpl.Intercept", "RateLimitInterceptor.Intercept", "SDKVersionInterceptor.Intercept",
		"ChasmVisibilityInterceptor.Intercept",
	} {
		want = slices.DeleteFunc(want, func(name string) bool { return name == left })
	}
	if diff := cmp.Diff(want, inProcess); diff != "" {
		t.Errorf("interceptors in process, wanted (-) and found (+):\n%s", diff)
	}
}

// History's interceptors cannot be seen from a test. Compare those of the new version (chains.go says where
// they are) before raising this.
func TestHistorysInterceptorsWereReadInThisVersionOfTemporal(t *testing.T) {
	t.Parallel()
	if headers.ServerVersion != "1.32.1" {
		t.Errorf("Temporal is now %s", headers.ServerVersion)
	}
}

// interceptorsOnStack are those of Temporal's that the caller runs in, the outermost first.
func interceptorsOnStack() []string {
	callers := make([]uintptr, 200)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	// A method, or a function's closure, which carries the name of the package that the function was inlined into.
	method := regexp.MustCompile(`^go\.temporal\.io/server/.*\(\*(\w+)\)\.(\w*Intercept)$`)
	closure := regexp.MustCompile(`\.(New\w+Interceptor)\.func\d+$`)
	var names []string
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if m := method.FindStringSubmatch(frame.Function); m != nil {
			names = append(names, m[1]+"."+m[2])
		} else if m := closure.FindStringSubmatch(frame.Function); m != nil && !strings.HasPrefix(frame.Function, "go.temporal.io/sdk/") {
			names = append(names, m[1])
		}
	}
	slices.Reverse(names)
	return names
}
