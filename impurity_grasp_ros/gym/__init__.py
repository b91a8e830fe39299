"""The simulated cell as an environment of Gymnasium. Importing this module registers ``impurity_grasp/Pick-v0``.

.. code-block:: python

    import gymnasium
    import impurity_grasp_ros.gym

    env = gymnasium.make("impurity_grasp/Pick-v0", scene="challenging")
    spawned = {"context": "spawn"}  # a process that has used PyTorch cannot be forked
    several = gymnasium.make_vec(
        "impurity_grasp/Pick-v0", num_envs=4, vectorization_mode="async", vector_kwargs=spawned
    )
"""

import gymnasium

gymnasium.register("impurity_grasp/Pick-v0", entry_point="impurity_grasp_ros.gym.pick_env:PickEnv")
