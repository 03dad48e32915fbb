package objstore

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
)

// Sub returns the part of s below prefix as a store of its own: the store of a table inside the warehouse's.
// Its keys cannot reach outside prefix. The error of an invalid prefix is that of every call.
func Sub(s Store, prefix string) Store {
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return s
	}
	if outer, ok := s.(*sub); ok {
		return newSub(outer.inner, outer.prefix+prefix)
	}
	return newSub(s, prefix)
}

type sub struct {
	inner  Store
	prefix string // with a slash behind
	url    string
}

func newSub(inner Store, prefix string) *sub {
	parts := strings.Split(prefix, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return &sub{inner, prefix + "/", strings.TrimSuffix(inner.URL(), "/") + "/" + strings.Join(parts, "/")}
}

func (s *sub) URL() string { return s.url }

// key returns the inner key; what is wrong with either half is found by the check here or in the inner store.
func (s *sub) key(key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	return s.prefix + key, CheckKey(s.prefix + key)
}

func (s *sub) Get(ctx context.Context, key string, maxBytes int64) ([]byte, error) {
	k, err := s.key(key)
	if err != nil {
		return nil, err
	}
	return s.inner.Get(ctx, k, maxBytes)
}

func (s *sub) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	return s.inner.GetRange(ctx, k, off, p)
}

func (s *sub) Put(ctx context.Context, key string, r io.Reader) (Object, error) {
	k, err := s.key(key)
	if err != nil {
		return Object{}, err
	}
	o, err := s.inner.Put(ctx, k, r)
	o.Key = key
	return o, err
}

func (s *sub) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	return s.inner.PutIfAbsent(ctx, k, data)
}

func (s *sub) PutBeside(ctx context.Context, key string, r io.Reader, beside Object) (Object, error) {
	k, err := s.key(key)
	if err == nil {
		beside.Key, err = s.key(beside.Key)
	}
	if err != nil {
		return Object{}, err
	}
	o, err := PutBeside(ctx, s.inner, k, r, beside)
	o.Key = key
	return o, err
}

func (s *sub) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside Object) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	if beside.Key, err = s.key(beside.Key); err != nil {
		return err
	}
	return PutIfAbsentBeside(ctx, s.inner, k, data, beside)
}

func (s *sub) Head(ctx context.Context, key string) (Object, error) {
	k, err := s.key(key)
	if err != nil {
		return Object{}, err
	}
	o, err := s.inner.Head(ctx, k)
	o.Key = key
	return o, err
}

func (s *sub) Delete(ctx context.Context, key string) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	return s.inner.Delete(ctx, k)
}

func (s *sub) List(ctx context.Context, prefix, startAfter string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if _, _, err := splitPrefix(prefix); err != nil {
			yield(Object{}, fmt.Errorf("list %q: %w", prefix, err))
			return
		}
		after := ""
		if startAfter != "" {
			after = s.prefix + startAfter
		}
		for o, err := range s.inner.List(ctx, s.prefix+prefix, after) {
			o.Key = strings.TrimPrefix(o.Key, s.prefix)
			if !yield(o, err) {
				return
			}
		}
	}
}

func (s *sub) below(prefix string) string { return strings.TrimSuffix(s.prefix+prefix, "/") }

func (s *sub) Folders(ctx context.Context, prefix string) ([]string, error) {
	return Folders(ctx, s.inner, s.below(prefix))
}

func (s *sub) MakeFolder(ctx context.Context, prefix string) error {
	return MakeFolder(ctx, s.inner, s.below(prefix))
}

func (s *sub) RemoveFolder(ctx context.Context, prefix string) error {
	return RemoveFolder(ctx, s.inner, s.below(prefix))
}
func (s *sub) MoveFolder(ctx context.Context, from, to string) error {
	return MoveFolder(ctx, s.inner, s.below(from), s.below(to))
}
func (s *sub) DropFolder(ctx context.Context, prefix string) error {
	return DropFolder(ctx, s.inner, s.below(prefix))
}
