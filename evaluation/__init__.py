"""Backtest of the forecast on simulated sales, and the calibration fitted on others."""
