"""`/metrics`: what this process has answered and what the rows say, for Prometheus."""
