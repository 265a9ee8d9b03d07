package pebblestore

import (
	"bytes"
	"context"
	"net"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A member is a service of this cluster that said lately that it is up.
//
//	key    kindClusterMember, host ID
//	value  role, address, port, start of the session, last heartbeat, expiry of the record
func memberKey(hostID []byte) []byte {
	return keys.AppendString(newKey(kindClusterMember), string(hostID))
}

// hostIDLength is that of the IDs that a page token may be.
const hostIDLength = 16

func memberValue(m *persistence.ClusterMember) []byte {
	v := appendInt64(newValue(keyRoom), int64(m.Role))
	v = appendInt64(appendText(v, m.RPCAddress.String()), int64(m.RPCPort))
	for _, t := range []time.Time{m.SessionStart, m.LastHeartbeat, m.RecordExpiry} {
		v = appendInt64(v, t.UnixNano())
	}
	return v
}

func readMember(key, value []byte) (*persistence.ClusterMember, error) {
	id, err := lastName("cluster member", key[1:])
	if err != nil {
		return nil, err
	}
	f := fieldsOf("cluster member", value)
	at := func() time.Time { return time.Unix(0, f.int64()).UTC() }
	m := &persistence.ClusterMember{
		HostID: []byte(id), Role: persistence.ServiceType(f.int64()), RPCAddress: net.ParseIP(f.text()), RPCPort: uint16(f.int64()),
		SessionStart: at(), LastHeartbeat: at(), RecordExpiry: at(),
	}
	return m, f.done()
}

// UpsertClusterMembership says that the member is up, now and until its record expires.
func (s *clusterStore) UpsertClusterMembership(
	_ context.Context, r *persistence.UpsertClusterMembershipRequest,
) error {
	now := time.Now()
	member := &persistence.ClusterMember{
		HostID: r.HostID, Role: r.Role, RPCAddress: r.RPCAddress, RPCPort: r.RPCPort,
		SessionStart: r.SessionStart, LastHeartbeat: now, RecordExpiry: now.Add(r.RecordExpiry),
	}
	return s.update("UpsertClusterMembership", &s.db.locks.metadata, func(b *batch) error {
		b.set(memberKey(r.HostID), memberValue(member))
		return nil
	})
}

func (s *clusterStore) GetClusterMembers(
	_ context.Context, r *persistence.GetClusterMembersRequest,
) (*persistence.GetClusterMembersResponse, error) {
	all := newKey(kindClusterMember)
	from := all
	if len(r.NextPageToken) > 0 && r.HostIDEquals == nil {
		if len(r.NextPageToken) != hostIDLength {
			return nil, serviceerror.NewInternal("page token is corrupted.")
		}
		from = keys.After(memberKey(r.NextPageToken))
	}
	now := time.Now()
	response := &persistence.GetClusterMembersResponse{ActiveMembers: []*persistence.ClusterMember{}}
	err := s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		member, err := readMember(key, value)
		if err != nil {
			return false, err
		}
		if !wanted(member, r, now) {
			return true, nil
		}
		response.ActiveMembers = append(response.ActiveMembers, member)
		if len(response.ActiveMembers) == r.PageSize {
			response.NextPageToken = member.HostID
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return nil, failed("GetClusterMembers", err)
	}
	return response, nil
}

func wanted(m *persistence.ClusterMember, r *persistence.GetClusterMembersRequest, now time.Time) bool {
	switch {
	case !m.RecordExpiry.After(now),
		r.HostIDEquals != nil && !bytes.Equal(m.HostID, r.HostIDEquals),
		r.RPCAddressEquals != nil && !m.RPCAddress.Equal(r.RPCAddressEquals),
		r.RoleEquals != persistence.All && m.Role != r.RoleEquals,
		r.LastHeartbeatWithin > 0 && !m.LastHeartbeat.After(now.Add(-r.LastHeartbeatWithin)),
		!r.SessionStartedAfter.IsZero() && m.SessionStart.Before(r.SessionStartedAfter):
		return false
	}
	return true
}

// PruneClusterMembership deletes the records that have expired.
func (s *clusterStore) PruneClusterMembership(context.Context, *persistence.PruneClusterMembershipRequest) error {
	now := time.Now()
	all := newKey(kindClusterMember)
	return s.update("PruneClusterMembership", &s.db.locks.metadata, func(b *batch) error {
		return s.db.scan(all, keys.End(all), func(key, value []byte) (bool, error) {
			member, err := readMember(key, value)
			if err == nil && member.RecordExpiry.Before(now) {
				b.remove(key)
			}
			return true, err
		})
	})
}
