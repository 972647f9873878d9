"""What fits of all kinds of device share: least squares, what the data do not identify, the fitted card."""
