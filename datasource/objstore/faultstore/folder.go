package faultstore

import (
	"context"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// The folders of the inner store pass through, with neither faults nor a trace, but for a crash.

// Folders implements objstore.FolderStore.
func (s *Store) Folders(ctx context.Context, prefix string) ([]string, error) {
	if s.Crashed() {
		return nil, ErrCrashed
	}
	return objstore.Folders(ctx, s.inner, prefix)
}

// MakeFolder implements objstore.FolderStore.
func (s *Store) MakeFolder(ctx context.Context, prefix string) error {
	if s.Crashed() {
		return ErrCrashed
	}
	return objstore.MakeFolder(ctx, s.inner, prefix)
}

// RemoveFolder implements objstore.FolderStore.
func (s *Store) RemoveFolder(ctx context.Context, prefix string) error {
	if s.Crashed() {
		return ErrCrashed
	}
	return objstore.RemoveFolder(ctx, s.inner, prefix)
}

// MoveFolder implements objstore.FolderStore.
func (s *Store) MoveFolder(ctx context.Context, from, to string) error {
	if s.Crashed() {
		return ErrCrashed
	}
	return objstore.MoveFolder(ctx, s.inner, from, to)
}

// DropFolder implements objstore.FolderStore.
func (s *Store) DropFolder(ctx context.Context, prefix string) error {
	if s.Crashed() {
		return ErrCrashed
	}
	return objstore.DropFolder(ctx, s.inner, prefix)
}
