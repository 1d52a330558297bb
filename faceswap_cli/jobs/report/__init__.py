"""What is told of a batch when it is over: JSON, JUnit XML, and a contact sheet."""
