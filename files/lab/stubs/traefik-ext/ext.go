// Package ext is what Traefik's configuration may be extended by: nothing, as in its own releases.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}

// RouterIng adds nothing.
type RouterIng struct{}

// ToRouter returns what an Ingress's annotations add to a router.
func (RouterIng) ToRouter() Router {
	return Router{}
}
