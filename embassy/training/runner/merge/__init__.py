"""Put an adapter into its base model: a program of its own, which needs no supervisor to be tried."""
