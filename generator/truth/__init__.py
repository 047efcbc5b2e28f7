"""What no real shop has: the demand that was lost, and when stock really ran out.  For evaluation alone."""

from generator.truth.log import TruthLog as TruthLog
