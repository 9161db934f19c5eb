"""The synthetic state: the content of an inbox, from one seed, with a record of everything planted next to it.

Belongs here: making the invented state. Does not belong here: reading or judging the files (``intake``).
"""

from hcip_pipeline.synthetic.report import SynthReport
from hcip_pipeline.synthetic.state import demo_state, generate_state
from hcip_pipeline.synthetic.state_files import StateArguments

__all__ = ["StateArguments", "SynthReport", "demo_state", "generate_state"]
