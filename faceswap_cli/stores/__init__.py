"""Object stores and other file systems that are reached by URL (`s3://...`)."""
