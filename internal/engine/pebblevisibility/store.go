package pebblevisibility

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/api/visibilityservice/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/manager"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// visibilityStore is Temporal's interface to the records.
type visibilityStore struct {
	writer     *writer
	index      string // name under which the custom search attributes are registered
	attributes searchattribute.Provider
	names      searchattribute.MapperProvider
	archetypes *chasm.Registry
	logger     log.Logger
	metrics    metrics.Handler
}

var _ store.VisibilityStore = (*visibilityStore)(nil)

// Close does nothing: the database is others' too.
func (s *visibilityStore) Close() {}

func (s *visibilityStore) GetName() string { return Name }

func (s *visibilityStore) GetIndexName() string { return s.index }

// ValidateCustomSearchAttributes accepts all: there are no limits but Temporal's own.
func (s *visibilityStore) ValidateCustomSearchAttributes(attributes map[string]any) (map[string]any, error) {
	return attributes, nil
}

// AddSearchAttributes is for stores that need to know; here, and with SQL, attributes are aliases of fields.
func (s *visibilityStore) AddSearchAttributes(context.Context, *manager.AddSearchAttributesRequest) error {
	return serviceerror.NewUnimplemented("AddSearchAttributes operation not supported in Pebble visibility")
}

func (s *visibilityStore) RecordWorkflowExecutionStarted(_ context.Context, req *store.InternalRecordWorkflowExecutionStartedRequest) error {
	r, err := s.record(req.InternalVisibilityRequestBase)
	if err != nil {
		return err
	}
	return failed("record start", s.writer.insert(r))
}

func (s *visibilityStore) RecordWorkflowExecutionClosed(_ context.Context, req *store.InternalRecordWorkflowExecutionClosedRequest) error {
	r, err := s.record(req.InternalVisibilityRequestBase)
	if err != nil {
		return err
	}
	r.closing = &closing{
		time: instantOf(req.CloseTime), duration: req.ExecutionDuration,
		historyLength: req.HistoryLength, historySize: req.HistorySizeBytes, stateTransitions: req.StateTransitionCount,
	}
	return failed("record close", s.writer.upsert(r))
}

func (s *visibilityStore) UpsertWorkflowExecution(_ context.Context, req *store.InternalUpsertWorkflowExecutionRequest) error {
	r, err := s.record(req.InternalVisibilityRequestBase)
	if err != nil {
		return err
	}
	return failed("upsert execution", s.writer.upsert(r))
}

func (s *visibilityStore) DeleteWorkflowExecution(_ context.Context, req *manager.VisibilityDeleteWorkflowExecutionRequest) error {
	return failed("delete execution", s.writer.delete(req.NamespaceID.String(), req.RunID))
}

func (s *visibilityStore) GetWorkflowExecution(_ context.Context, req *manager.GetWorkflowExecutionRequest) (*store.InternalGetWorkflowExecutionResponse, error) {
	namespaceID := req.NamespaceID.String()
	value, found, err := s.writer.db.Get(recordKey(namespaceID, req.RunID))
	if err != nil {
		return nil, failed("get execution", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("no visibility record of run %s", req.RunID)
	}
	r, err := decodeRecord(namespaceID, req.RunID, value)
	if err != nil {
		return nil, failed("get execution", err)
	}
	types, err := s.types()
	if err != nil {
		return nil, err
	}
	info, err := r.info(combined(types, nil))
	return &store.InternalGetWorkflowExecutionResponse{Execution: info}, err
}

func (s *visibilityStore) ListWorkflowExecutions(ctx context.Context, req *manager.ListWorkflowExecutionsRequestV2) (*store.InternalListExecutionsResponse, error) {
	q := question{namespaceID: req.NamespaceID, namespace: req.Namespace, query: req.Query}
	return s.list(ctx, q, req.PageSize, req.NextPageToken)
}

func (s *visibilityStore) CountWorkflowExecutions(ctx context.Context, req *manager.CountWorkflowExecutionsRequest) (*store.InternalCountExecutionsResponse, error) {
	return s.count(ctx, question{namespaceID: req.NamespaceID, namespace: req.Namespace, query: req.Query})
}

func (s *visibilityStore) ListChasmExecutions(ctx context.Context, req *visibilityservice.ListChasmExecutionsRequest) (*store.InternalListExecutionsResponse, error) {
	mapper, err := s.mapper(req.GetArchetypeId())
	if err != nil {
		return nil, err
	}
	q := question{
		namespaceID: namespace.ID(req.GetNamespaceId()), namespace: namespace.Name(req.GetNamespace()), query: req.GetQuery(),
		archetype: req.GetArchetypeId(), mapper: mapper,
	}
	return s.list(ctx, q, int(req.GetPageSize()), req.GetNextPageToken())
}

func (s *visibilityStore) CountChasmExecutions(ctx context.Context, req *visibilityservice.CountChasmExecutionsRequest) (*store.InternalCountExecutionsResponse, error) {
	mapper, err := s.mapper(req.GetArchetypeId())
	if err != nil {
		return nil, err
	}
	return s.count(ctx, question{
		namespaceID: namespace.ID(req.GetNamespaceId()), namespace: namespace.Name(req.GetNamespace()), query: req.GetQuery(),
		archetype: req.GetArchetypeId(), mapper: mapper,
	})
}

func (s *visibilityStore) mapper(archetype chasm.ArchetypeID) (*chasm.VisibilitySearchAttributesMapper, error) {
	component, ok := s.archetypes.ComponentByID(archetype)
	if !ok {
		return nil, serviceerror.NewInvalidArgumentf("unknown archetype ID: %d", archetype)
	}
	return component.SearchAttributesMapper(), nil
}

// types are those of the fields that queries and records can have.
func (s *visibilityStore) types() (searchattribute.NameTypeMap, error) {
	types, err := s.attributes.GetSearchAttributes(s.index, false)
	if err != nil {
		return types, serviceerror.NewUnavailablef("read search attribute types: %v", err)
	}
	return types, nil
}

// failed is what Temporal's services take the database's error for.
func failed(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case isAny(err, errCorrupt, keys.ErrMalformed, pebblestore.ErrCorrupt, pebble.ErrCorruption):
		return serviceerror.NewDataLossf("%s: %v", doing, err)
	}
	return serviceerror.NewUnavailablef("%s: %v", doing, err)
}

func isAny(err error, causes ...error) bool {
	return slices.ContainsFunc(causes, func(c error) bool { return errors.Is(err, c) })
}
