"""Safety: what stands between the desk and the broker, and what throws the kill switch by itself."""
