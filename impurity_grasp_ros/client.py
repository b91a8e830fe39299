"""A client of ``pick_impurities`` for programs of all kinds: start a job, follow it, cancel it, wait for its result.

.. code-block:: python

    from impurity_grasp_ros.client import PickClient

    with PickClient() as client:
        job = client.start(max_targets=5)
        for feedback in job.feedback():
            print(feedback.phase.name, feedback.picked)
        print(job.wait())
"""

from impurity_grasp_ros.nodes.pick_client import PickClient
from impurity_grasp_ros.nodes.pick_job import Phase, PickFeedback, PickJob, PickResult

__all__ = ["Phase", "PickClient", "PickFeedback", "PickJob", "PickResult"]
