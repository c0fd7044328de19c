#!/usr/bin/env bash
# Fills the corpus with small files of a folder, by their endings: `./seed.sh FOLDER...`. More than 64 KiB slows a run down.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { sed -n 2p "$0"; exit 2; }
mkdir -p "$here"/corpus/{nifti,dicom,tiff,numpy,picture,masks,folder,checkpoint,model,project,log,journal,table,layout}

# Names are hashes, so that the same seed lies there once.
put() { cp "$2" "$here/corpus/$1/$(sha1sum < "$2" | cut -c1-16)"; }
# A mask's first byte chooses its format.
mask() { printf "\\x$1" | cat - "$2" > "$here/corpus/masks/$(sha1sum < "$2" | cut -c1-16)-$1"; }

find "$@" -type f -size -64k -print0 | while IFS= read -r -d '' file; do
  case "${file,,}" in
    *.nii) put nifti "$file"; mask 00 "$file" ;;
    *.nii.gz) put nifti "$file"; mask 01 "$file" ;;
    *.tif | *.tiff) put tiff "$file"; mask 03 "$file" ;;
    *.npy) put numpy "$file"; mask 06 "$file" ;;
    *.npz) put numpy "$file" ;;
    *.png) put picture "$file"; mask 02 "$file" ;;
    *.gif) put picture "$file"; mask 04 "$file" ;;
    *.bmp) put picture "$file"; mask 05 "$file" ;;
    *.jpg | *.jpeg) put picture "$file" ;;
    *.pth | *.pt | *.pkl | *.npz) put checkpoint "$file" ;;
    *.safetensors) put model "$file"; put checkpoint "$file" ;;
    *.csv | *labels*.txt) put table "$file" ;;
    */dataset.json) put layout "$file" ;;
    *.dcm) put dicom "$file"; mask 07 "$file" ;;
    *) if [ "$(dd if="$file" bs=1 skip=128 count=4 2>/dev/null | tr -d '\0')" = DICM ]; then put dicom "$file"; fi ;;
  esac
done

# Folders of DICOM: three files of one length in a row.
find "$@" -type f -name '*.dcm' -size -16k -printf '%h\n' | sort -u | while IFS= read -r folder; do
  mapfile -t files < <(find "$folder" -maxdepth 1 -name '*.dcm' -size -16k | sort | head -3)
  sizes=$(stat -c %s "${files[@]}" | sort -u | wc -l)
  if [ "${#files[@]}" = 3 ] && [ "$sizes" = 1 ]; then
    cat "${files[@]}" > "$here/corpus/folder/$(printf %s "$folder" | sha1sum | cut -c1-16)"
  fi
done
