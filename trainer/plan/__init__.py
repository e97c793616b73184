"""What a run would cost: bytes and seconds."""
