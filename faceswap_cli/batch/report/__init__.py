"""What a batch says in the end: summary, JUnit, HTML."""
