"""Copies of a session's state elsewhere: made in the background, brought back where the files here are gone.

protocol    what a store can do: bytes under names
files       a folder, mounted from another machine
redis       a Redis server
s3          a bucket of S3 or of what speaks its protocol
addresses   stores by their URLs
lineage     which course of a session a copy belongs to
shelf       one session in one store: journal in pieces, snapshots, and what of them is whole
probe       whether a store takes, gives back and lets go
copier      a thread for each shelf
restoring   the start: the newest good state wins
"""
