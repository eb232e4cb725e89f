"""What is sold: products, prices, traffic, demand, stock and orders."""
