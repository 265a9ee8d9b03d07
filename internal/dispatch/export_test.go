package dispatch

// What a fake Engine answers with.
var (
	ErrStarted    = errStarted
	ErrNoWorkflow = errNoWorkflow
)
