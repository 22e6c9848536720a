"""What is offered at the touch."""
