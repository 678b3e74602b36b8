"""As much of torch's surface as the tracer looks at, for machines without torch; nothing is sent anywhere."""
