"""The synthetic state: everything an inbox holds, from one seed, with what was planted written next to it.

Belongs here: how the invented state comes about. Does not belong here: reading or judging what it wrote (``intake``).
"""

from hcip_pipeline.synthetic.report import SynthReport
from hcip_pipeline.synthetic.state import demo_state, generate_state
from hcip_pipeline.synthetic.state_files import StateArguments

__all__ = ["StateArguments", "SynthReport", "demo_state", "generate_state"]
