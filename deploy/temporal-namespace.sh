#!/bin/sh
# Makes the namespace that Postrider's workflows are in, kept 72 h after their end. Can be run again.
set -eu

temporal operator namespace describe --namespace default ||
	temporal operator namespace create --namespace default --retention 72h
