"""Results that others send: their card, what cannot be right about them, and the row that is made of them."""
