"""What the library costs in time and memory, beside its peers: `python -m benchmarks [NAME ...]`."""
