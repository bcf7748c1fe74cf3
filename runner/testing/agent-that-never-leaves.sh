#!/bin/sh
# Stands in for an agent's program that heeds neither what it is told nor SIGTERM.
[ "$1" = --version ] && echo "9.9.9 (Never leaves)" && exit
trap '' TERM
echo ready >&2
while :; do sleep 0.05; done
