"""What connectors of several vendors do alike. It knows no vendor."""
