"""Pictures that stand still: read and written, with orientation, colours and metadata."""
