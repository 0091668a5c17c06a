#!/bin/sh
# A configuration is served, a verb or an option is the registry's, and what is neither is run, as with upstream's image.
case "${1-}" in
*.yaml | *.yml) exec registry serve "$@" ;;
serve | garbage-collect | help | -*) exec registry "$@" ;;
*) exec "$@" ;;
esac
