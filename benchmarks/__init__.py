"""What is measured and compared at greater length than tests can: each module is a command."""
