"""One question to one generation: parsed, asked of each leg, fused, chosen and explained."""
