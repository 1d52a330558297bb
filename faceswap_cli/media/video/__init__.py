"""Videos in and out, through PyAV."""
