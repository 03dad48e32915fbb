// Package lru holds what a server may remember and can do without: a map of bounded weight that forgets what was used least recently.
//
// It does not make values, nor end them: who uses one that is forgotten meanwhile goes on with it.
package lru
