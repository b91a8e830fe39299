#!/usr/bin/env bash
# Prepares this checkout and leaves a shell in which `impurity-grasp`, `python` and the ROS 2 interfaces work:
#
#     source scripts/bootstrap.sh             # what the robot and its simulation need
#     source scripts/bootstrap.sh learning    # and Ray and TensorBoard, to train
#     source scripts/bootstrap.sh robot       # and the client libraries of a real arm and gripper
#     source scripts/bootstrap.sh security    # and what makes keys for SROS2, see docs/security.md
#     source scripts/bootstrap.sh test        # and the test tools
#     source scripts/bootstrap.sh mutation    # and what shows what the tests do not notice, see docs/testing.md
#
# With a ROS 2 distribution sourced, it builds on that one. Otherwise ROS 2 itself comes from wheels, into .venv.
# What is up to date is left alone. IMPURITY_GRASP_PYTHON names an interpreter to use instead of the first that fits.

[ -n "${BASH_VERSION:-}" ] || { echo "scripts/bootstrap.sh needs bash" >&2 && return 1; }

unset _ROS_WHEELS_BOOTSTRAP_COMPLETE # set by another environment's Python, it keeps ours from finding its libraries

# Sourced: a process of its own does the work, so that options and functions of the caller's shell stay as they are.
if [[ "${BASH_SOURCE[0]}" != "$0" ]]; then
    _impurity_grasp_enter() {
        local root nounset=+u
        root=$(CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || return
        bash "$root/scripts/bootstrap.sh" "$@" || return
        [[ $- != *u* ]] || nounset=-u
        set +u # the set-up files of ROS read unset variables
        source "$root/.venv/bin/activate"
        if [[ -d "$root/.venv/share/ament_index" ]]; then
            export AMENT_PREFIX_PATH="$root/.venv" CMAKE_PREFIX_PATH="$root/.venv"
        fi
        source "$root/install/setup.bash"
        export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
        set $nounset
    }
    _impurity_grasp_enter "$@" && unset -f _impurity_grasp_enter
    return
fi

set -Eeuo pipefail
trap 'printf "[impurity_grasp] Stopped at line %s of scripts/bootstrap.sh\n" "$LINENO" >&2' ERR
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/.venv
log=$root/log/bootstrap.log

say() { printf '[impurity_grasp] %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# step MESSAGE COMMAND...: one line for the reader, the command's output for the log.
step() {
    say "$1"
    printf '\n== %s\n' "$*" >>"$log"
    "${@:2}" >>"$log" 2>&1 && return
    tail -n 40 "$log" >&2
    die "Failed: $1. The whole log: $log"
}

# --- which ROS, which Python --------------------------------------------------------------------------------------

ros_distribution_is_sourced() {
    local prefix prefixes
    IFS=: read -ra prefixes <<<"${AMENT_PREFIX_PATH:-}"
    for prefix in "${prefixes[@]}"; do
        [[ -n "${ROS_DISTRO:-}" && "$prefix" != "$venv" && -d "$prefix/share/rclpy" ]] && return
    done
    return 1
}

# Sets python, the interpreter behind the first candidate that fits, and version, such as 3.11. What was chosen once
# stays chosen; then come the versions for which every library has a wheel. An interpreter has several names, and knows
# itself by another one from within .venv: links are resolved.
find_python() {
    local candidate test
    if [[ $ros == wheels ]]; then
        candidates=("$venv/bin/python" python3.11 python3.10 python3 python3.12 python3.13)
        fitting="Python 3.10 to 3.13" test='(3, 10) <= sys.version_info[:2] <= (3, 13)'
    else
        candidates=("$venv/bin/python" python3 /usr/bin/python3)
        fitting="Python with rclpy" test='importlib.util.find_spec("rclpy")'
    fi
    [[ -z "${IMPURITY_GRASP_PYTHON:-}" ]] || candidates=("$IMPURITY_GRASP_PYTHON")
    for candidate in "${candidates[@]}"; do
        { read -r version && read -r python; } < <("$candidate" -c "
import importlib.util, os, sys
if $test: print('%d.%d' % sys.version_info[:2], os.path.realpath(sys._base_executable), sep='\n')" 2>/dev/null || true) && return
    done
    return 1
}

# --- what apt has to provide ---------------------------------------------------------------------------------------

missing_system_packages() {
    if [[ -z "${python:-}" ]]; then
        echo python3 python3-dev python3-venv
    else
        [[ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]] || echo "python$version-dev"
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "python$version-venv"
    fi
    type cc c++ make &>/dev/null || echo build-essential
    [[ $ros == wheels ]] || command -v colcon >/dev/null || echo python3-colcon-common-extensions
}

install_system_packages() {
    local packages
    packages=$(missing_system_packages | xargs)
    [[ -n "$packages" ]] || return 0
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        die "Missing on this machine. Please run:  sudo apt-get install $packages"
    fi
    export DEBIAN_FRONTEND=noninteractive
    step "Refreshing the package lists" apt-get update
    step "Installing $packages" apt-get install --yes --no-install-recommends $packages
    find_python || return
    packages=$(missing_system_packages | xargs)
    [[ -z "$packages" ]] || die "$python still lacks what $packages should have brought. IMPURITY_GRASP_PYTHON names another."
}

# --- stamps --------------------------------------------------------------------------------------------------------

# A stamp says for which interpreter and place a folder was made, and from which contents. It is removed before the
# folder is changed and written last: without one the folder is unfinished, and is made anew.
state_of() {
    local lines=()
    [[ ! -f "$1" ]] || mapfile -t lines <"$1"
    case "${lines[*]:-}" in
    "$identity $2") echo current ;;
    "$identity "*) echo outdated ;;
    *) echo absent ;;
    esac
}

write_stamp() {
    printf '%s\n%s\n' "$identity" "$2" >"$1.new"
    mv "$1.new" "$1"
}

digest() { sha256sum | cut -d' ' -f1; }

# --- Python packages -----------------------------------------------------------------------------------------------

new_environment() {
    local marker=$venv/.made-by-bootstrap options=()
    [[ ! -e "$venv" || -e "$marker" ]] || die "$venv is not of this script's making. Please move it away."
    [[ $ros == wheels ]] || options=(--system-site-packages)
    rm -rf "$venv" build install
    mkdir "$venv"
    touch "$marker"
    step "Creating .venv with Python $version" "$python" -m venv "${options[@]}" "$venv"
}

# install_requirements MESSAGE [PIP OPTION...] NAME...: requirements/NAME.txt, on a ROS 2 distribution what it lacks of them.
install_requirements() {
    local arguments=() names=() word
    for word in "${@:2}"; do
        if [[ "$word" == --* ]]; then arguments+=("$word"); else names+=("requirements/$word.txt"); fi
    done
    if [[ $ros == wheels ]]; then
        arguments+=("${names[@]/#/--requirement=}")
    else
        mapfile -t names < <(lacking_requirements "${names[@]}")
        ((${#names[@]})) || return 0
        arguments+=("${names[@]}")
    fi
    step "$1" "$venv/bin/python" -m pip install --progress-bar=off "${arguments[@]}"
}

# The lines of requirement files whose module is not there, or older than the "at least" of their comment. Other versions
# do not count: a distribution's own fit together.
lacking_requirements() {
    "$venv/bin/python" - "$@" <<'PYTHON'
import fileinput, importlib.metadata, importlib.util, re


def numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def is_older(package, least):
    try:
        return numbers(importlib.metadata.version(package)) < numbers(least)
    except importlib.metadata.PackageNotFoundError:  # there, and without a word on its version
        return False


for line in fileinput.input():
    requirement, _, comment = (part.strip() for part in line.partition("#"))
    if not requirement:
        continue
    package = re.match(r"[\w.-]*", requirement)[0]
    named, least = (re.search(rf"{words} ([\w.-]*\w)", comment) for words in ("imports as", "at least"))
    module = named[1] if named else package.replace("-", "_")
    if not importlib.util.find_spec(module) or (least and is_older(package, least[1])):
        print(requirement)
PYTHON
}

# The CMake files in the wheels name folders of the machine that built them.
repoint_cmake_files() {
    local headers numpy_headers
    headers=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    numpy_headers=$("$venv/bin/python" -c 'import numpy; print(numpy.get_include())')
    { grep -rlZ --include='*.cmake' /opt/python/ "$venv/share" || true; } | xargs -0r sed -Ei \
        -e "s#/opt/python/[^;\"]*/numpy/_core/include#$numpy_headers#g" \
        -e "s#/opt/python/[^;\"]*/include/python[0-9.]+#$headers#g"
}

prepare_environment() {
    local stamp=$venv/.complete wanted
    wanted=$(cat requirements/{ros,build,runtime,simulation}.txt | digest)
    case $(state_of "$stamp" "$wanted") in
    current) return ;;
    absent)
        install_system_packages
        new_environment
        ;;
    esac
    rm -f "$stamp"
    if [[ $ros == wheels ]]; then
        install_requirements "Installing ROS 2 and the libraries as wheels (some two minutes, once)" ros build runtime
        repoint_cmake_files
    else
        install_requirements "Installing the libraries that ROS 2 $ros lacks" build runtime
    fi
    install_requirements "Installing PyBullet (some five minutes where it has to be compiled, once)" --no-build-isolation simulation
    write_stamp "$stamp" "$wanted"
}

# prepare_extra NAME: requirements/NAME.txt, which only some uses need.
prepare_extra() {
    local stamp=$venv/.complete-$1 wanted
    wanted=$(digest <"requirements/$1.txt")
    [[ $(state_of "$stamp" "$wanted") != current ]] || return 0
    install_requirements "Installing what $1 needs" "$1"
    write_stamp "$stamp" "$wanted"
}

# --- interfaces ----------------------------------------------------------------------------------------------------

# Python, configuration and launch files are linked, not copied: of those only the names matter.
build_inputs() {
    cat "$venv/.complete" package.xml CMakeLists.txt setup.cfg msg/* srv/* action/*
    find impurity_grasp_ros ur_emulator config launch models rviz urdf -type f ! -name '*.pyc' 2>/dev/null | sort || true
}

prepare_interfaces() {
    local stamp=$root/install/.complete wanted
    wanted=$(build_inputs | digest)
    case $(state_of "$stamp" "$wanted") in
    current) return ;;
    absent) rm -rf build install ;;
    esac
    install_system_packages
    rm -f "$stamp"
    if [[ $ros == wheels ]]; then
        export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
    fi
    PATH=$venv/bin:$PATH step "Building the ROS interfaces (a minute or two)" colcon --log-base log build \
        --symlink-install --paths . --cmake-args "-DPython3_EXECUTABLE=$venv/bin/python" -DBUILD_TESTING=OFF
    write_stamp "$stamp" "$wanted"
}

[[ "$root" != *[[:space:]]* ]] || die "colcon and ROS 2 need a path without spaces, this one is: $root"
mkdir -p log
exec 9>log/bootstrap.lock
flock --nonblock 9 || { say "Waiting for another set-up of this folder"; flock 9; }
: >"$log"

ros=wheels
! ros_distribution_is_sourced || ros=$ROS_DISTRO
find_python || { command -v python3 >/dev/null || install_system_packages; find_python; } ||
    die "Found no $fitting, tried ${candidates[*]}. Please install one, or name it in IMPURITY_GRASP_PYTHON."
identity="$python $version $root $ros"
prepare_environment
case ${1:-} in
learning | robot | security) prepare_extra "$1" ;;
test | mutation) for extra in learning robot security test; do prepare_extra "$extra"; done ;;&
mutation) prepare_extra mutation ;;
esac
prepare_interfaces
