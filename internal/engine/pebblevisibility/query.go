package pebblevisibility

import (
	"errors"

	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/store/query"
	"go.temporal.io/server/common/searchattribute"
)

// question is a query as the two kinds of requests for lists and counts have it.
type question struct {
	namespaceID namespace.ID
	namespace   namespace.Name
	query       string
	archetype   chasm.ArchetypeID                       // or unspecified: workflows
	mapper      *chasm.VisibilitySearchAttributesMapper // the archetype's, or nil
}

// parsed is a query's meaning.
type parsed struct {
	filter  *filter
	groupBy *query.SAColumn // nil without
	types   searchattribute.NameTypeMap
}

// parse errs with an invalid argument for a query that is not well-formed or not supported.
func (s *visibilityStore) parse(q question) (*parsed, error) {
	types, err := s.types()
	if err != nil {
		return nil, err
	}
	names, err := s.names.GetMapper(q.namespace)
	if err != nil {
		return nil, err
	}
	params, err := query.NewQueryConverter(converter{}, q.namespace, types, names, s.metrics, s.logger).
		WithChasmMapper(q.mapper).WithArchetypeID(q.archetype).Convert(q.query)
	if err == nil && len(params.OrderBy) > 0 {
		err = query.NewConverterError("%s: 'ORDER BY' clause", query.NotSupportedErrMessage)
	}
	if bad := new(query.ConverterError); errors.As(err, &bad) {
		return nil, bad.ToInvalidArgument()
	}
	if err != nil {
		return nil, err
	}
	p := &parsed{filter: params.QueryExpr, types: combined(types, q.mapper)}
	if p.filter == nil {
		p.filter = everything()
	}
	if len(params.GroupBy) > 0 {
		p.groupBy = params.GroupBy[0]
	}
	return p, nil
}
